"""Measurements of the deep perceptron: the studies that figures share, and which closure they obey.

Figures of one paper live in its own package (:mod:`paper_figures.yoshino2020`,
:mod:`paper_figures.yoshino2023`); figures of our own here.
"""

FIGURES = ("which_closure",)
"""Names of the figures of our own, which are those of their modules."""
