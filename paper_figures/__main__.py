"""``python -m paper_figures``."""

import sys

from deepglass.cli import main

if __name__ == "__main__":
    sys.exit(main("paper_figures.cli"))
