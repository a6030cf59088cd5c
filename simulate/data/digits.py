"""The 8x8 handwritten digits that come with scikit-learn: 64 pixels of 0..16, ten classes, no download."""

from simulate.data.images import Pool

THRESHOLD = 7


def pool() -> Pool:
    """All 1,797 digits; the zeros and ones among them are 360."""
    from sklearn.datasets import load_digits  # slow to import, and only this source needs it

    digits = load_digits()
    return Pool("digits", digits.data, digits.target, "scikit-learn load_digits (8x8)", THRESHOLD)
