"""Old import path of atomic writes."""

from cloudinary_cli.system.files import atomic_write

__all__ = ["atomic_write"]
