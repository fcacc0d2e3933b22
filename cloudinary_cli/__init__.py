"""cloudinary_cli: the `cld` command. Importing the package gives the version and does nothing else."""

from cloudinary_cli.version import __version__

__all__ = ["__version__"]
