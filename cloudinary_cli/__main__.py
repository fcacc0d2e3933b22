"""Runs the program for `python -m cloudinary_cli`; knows nothing but where main() is."""

import sys

from cloudinary_cli.cli import main

if __name__ == "__main__":
    sys.exit(main())
