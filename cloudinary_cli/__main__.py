"""Runs `cld` for `python -m cloudinary_cli`."""

import sys

from cloudinary_cli.cli import main

if __name__ == "__main__":
    sys.exit(main())
