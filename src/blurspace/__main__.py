"""What does `blurspace` do, and `python -m blurspace`? What is typed, once the doors are imported."""

import sys


def main() -> int:
    """Run the command line and return its exit code; an interrupt while it is imported is no traceback either."""
    try:
        from blurspace.cli import main as typed
    except KeyboardInterrupt:
        sys.stderr.write("blurspace: interrupted\n")
        return 130
    return typed()


if __name__ == "__main__":
    sys.exit(main())
