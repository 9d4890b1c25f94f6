"""What must hold whatever happens: one module an invariant."""
