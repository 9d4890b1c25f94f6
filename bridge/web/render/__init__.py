"""The page as HTML, one module a part. Pure."""
