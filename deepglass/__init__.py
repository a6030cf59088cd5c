"""The ground floor that theory, simulate, compare and paper_figures share, and nothing more."""

__version__ = "0.1.0"
