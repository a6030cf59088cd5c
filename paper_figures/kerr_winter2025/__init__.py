"""Glassy dynamics of trained networks (Kerr Winter and Janssen, arXiv:2405.13098), beside what diffuses
freely."""

FIGURES = ("jamming", "trivialisation", "relaxation", "superposition", "displacements", "ageing", "controls")
"""Names of modules of this package, each with STUDIES and ``draw``."""
