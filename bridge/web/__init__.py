"""The page: what it shows, who may see it, what its forms do. Never reads Microsoft itself."""
