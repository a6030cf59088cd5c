"""``python -m paper_figures``."""

import sys

from deepglass.cli import main
from paper_figures.cli import app

sys.exit(main(app))
