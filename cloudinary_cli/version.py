"""The version, in one line, so that `cld --version` and setup.py need nothing else."""

__version__ = "2.0.0.dev0"
