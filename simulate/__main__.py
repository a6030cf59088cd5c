"""``python -m simulate``."""

import sys

from deepglass.cli import main

if __name__ == "__main__":
    sys.exit(main("simulate.cli"))
