"""``python -m compare``."""

import sys

from compare.cli import app
from deepglass.cli import main

sys.exit(main(app))
