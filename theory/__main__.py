"""``python -m theory``."""

import sys

from deepglass.cli import main
from theory.cli import app

sys.exit(main(app))
