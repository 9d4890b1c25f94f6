"""What goes to the broker and what is answered there. Never reads Microsoft."""
