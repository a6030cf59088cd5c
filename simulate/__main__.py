"""``python -m simulate``."""

import sys

from deepglass.cli import main
from simulate.cli import app

sys.exit(main(app))
