"""The authors' moments: their multi-information, and what signs of Gaussians with the same moments give."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from compare.liquid import RANDOM, liquid
from theory.inverse_ising import (
    Moments,
    gaussian_multi_information,
    parts,
    permutation_average,
)

CARD = {
    "under_para": {"input": 0.119, "interior": 0.0021, "output": 0.069, "full": 0.077},
    "over_para": {"input": 0.110, "interior": 0.0010, "output": 0.070, "full": 0.073},
    "fashion": {"input": 0.118, "interior": 0.0013, "output": 0.095, "full": 0.083},
}
AUTHORS = (20, 15, 15, 10)


def authors(name):
    beside = Path(__file__).resolve().parents[3] / "shared" / "reference" / "zou_huang_2021"
    path = Path(os.environ.get("DEEPGLASS_REFERENCE", beside)) / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"the authors' arrays are not here ({path})")
    data = np.load(path)
    return Moments(data["mi_data"].ravel(), data["Ca_data"])


@pytest.mark.parametrize("name", CARD)
def test_authors_moments(name):
    moments = authors(name)
    for part, where in parts(AUTHORS).items():
        digits = 4 if part == "interior" else 3
        value = gaussian_multi_information(moments.part(where))
        assert value == pytest.approx(CARD[name][part], abs=0.6 * 10**-digits)


def _area(a, rho):
    """P(x_i > a_i, x_j > a_j) less its value at rho = 0, of pairs of Gaussians, and its slope (Plackett)."""
    p, q = np.broadcast_arrays(a[:, None], a[None, :])

    def density(r):
        left = 1 - r * r
        return np.exp(-(p * p - 2 * r * p * q + q * q) / (2 * left)) / (2 * np.pi * np.sqrt(left))

    x, w = np.polynomial.legendre.leggauss(12)
    inside = [wk * density(0.5 * rho * (1 + xk)) for xk, wk in zip(x, w, strict=True)]
    return 0.5 * rho * sum(inside), density(rho)


def off_diagonal(matrix):
    return matrix - np.diag(np.diagonal(matrix))


def underlying(moments):
    """Thresholds and correlations of Gaussians whose signs have these moments, by Newton."""
    target = off_diagonal(moments.connected) / 4
    rho = np.sin(np.pi / 2 * 4 * target)
    for _ in range(6):
        area, slope = _area(-ndtri((1 + moments.m) / 2), rho)
        rho = off_diagonal(rho - (area - target) / slope)
    return -ndtri((1 + moments.m) / 2), rho + np.eye(len(rho))


def of_signs(a, rho):
    """The moments of signs of x - a, x Gaussian of correlations rho."""
    m = 1 - 2 * stats.norm.cdf(a)
    return Moments(m, off_diagonal(4 * _area(a, off_diagonal(rho))[0] + np.outer(m, m)) + np.eye(len(m)))


def test_signs_of_gaussians_with_nearly_the_authors_moments():
    """1500 networks whose multi-information is known: the nearest signs of Gaussians to the authors' moments,
    which themselves are none. All parts come back within their errors, as given (bias 0.1) and averaged."""
    a, rho = underlying(permutation_average(authors("under_para"), AUTHORS))
    values, vectors = np.linalg.eigh(rho)
    root = vectors * np.sqrt(np.maximum(values, 1e-3))
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    moments = of_signs(a, root @ root.T)
    draws = np.random.default_rng(20).normal(size=(1500, 675)) @ root.T
    weights = np.where(draws > a, 1.0, -1.0)
    found = liquid(weights, AUTHORS, canonical=weights, fits=False, repetitions=1)
    for part, where in parts(AUTHORS).items():
        truth = gaussian_multi_information(moments.part(where))
        assert truth == pytest.approx(CARD["under_para"][part], rel=0.5)
        for order in ("raw", "canonical"):
            entry = found.entry(part, order)
            assert abs(entry.value - truth) < 3.5 * entry.error
            assert entry.error < (0.02 if order == "raw" else 0.05) * 0.1
    verdicts = {part: found.entry(part).verdict for part in (*parts(AUTHORS), RANDOM)}
    assert verdicts.pop("interior") == "liquid"
    assert set(verdicts.values()) == {"not liquid"}


def test_signs_of_gaussians_are_what_scipy_says():
    m, C = np.array([0.3, -0.5]), np.array([[1.0, 0.1], [0.1, 1.0]])
    a, rho = underlying(Moments(m, C))
    np.testing.assert_allclose(of_signs(a, rho).C, C, atol=1e-12)
    both = stats.multivariate_normal([0, 0], rho).cdf(a)
    assert 1 - 2 * stats.norm.cdf(a).sum() + 4 * both == pytest.approx(0.1, abs=1e-6)
