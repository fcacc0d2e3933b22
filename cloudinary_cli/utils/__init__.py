"""Old public import paths. Nothing inside the package imports them."""
