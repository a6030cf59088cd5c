"""Solid, liquid and how far the solid reaches."""

import math

import numpy as np
import pytest

import compare
from deepglass import phases
from deepglass.phases import THRESHOLD, extent, phase


def test_threshold_is_one_over_e_and_belongs_to_the_liquid():
    assert pytest.approx(math.exp(-1), rel=1e-15) == THRESHOLD
    assert phase([1, THRESHOLD + 1e-9, THRESHOLD, 0, -0.2, math.nan]) == [
        "solid", "solid", "liquid", "liquid", "liquid", "missing",
    ]  # fmt: skip


def test_penetration_depth_is_interpolated_from_both_sides():
    # 1 -> THRESHOLD is crossed between layers 1 and 2 at a known place, symmetric and not.
    up = THRESHOLD + 0.3
    found = extent([1, up, THRESHOLD - 0.1, 0, 0.2, 1])
    assert found.xi_input == pytest.approx(1.75)
    assert found.xi_output == pytest.approx((1 - THRESHOLD) / (1 - 0.2))
    assert found.n_liquid == 3


def test_exponential_profile_has_its_own_length():
    layers = np.arange(40)
    for length in (3.0, 7.0):
        q = np.exp(-layers / length)
        # Linear interpolation of a convex curve overestimates by at most an eighth of its curvature.
        assert extent(q).xi_input == pytest.approx(length, abs=1 / (8 * length))


def test_all_solid_has_no_end():
    found = extent([1, 0.9, 0.8, 1])
    assert math.isnan(found.xi_input)
    assert math.isnan(found.xi_output)
    assert found.n_liquid == 0


def test_compare_gives_the_same_functions():
    for name in ("THRESHOLD", "Extent", "extent", "phase"):
        assert getattr(compare, name) is getattr(phases, name)
