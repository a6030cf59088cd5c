"""Ordinary networks, trained by Adam and SGD: solid and liquid layers against depth, width and data; a figure
of our own, which no paper has."""

FIGURES = ("profiles", "thickness", "architectures", "replicas")
