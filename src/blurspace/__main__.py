"""What does `python -m blurspace` do? The same as `blurspace`."""

import sys

from blurspace.cli import main

if __name__ == "__main__":
    sys.exit(main())
