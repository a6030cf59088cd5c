"""Networks that classify images, of binary or real weights, many at once (arXiv:2007.08093)."""
