"""The `cld` command. Importing the package defines `__version__` and does nothing else."""

from cloudinary_cli.version import __version__

__all__ = ["__version__"]
