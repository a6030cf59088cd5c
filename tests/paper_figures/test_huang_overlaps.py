"""Figs. 4 and S7-S9 on made-up overlaps: what is put in comes out as claims, and what is missing is said."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure as Page

from paper_figures.huang2025 import figure_4, figure_s7, figure_s9
from paper_figures.huang2025.overlap_distributions import overlaps
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.studies import results_at
from paper_figures.stored import reduced

N, DEPTH = 10, 10
LIQUID, SOLID = (3, 4, 5, 6), 0.9


def made_up(protocol, samples, replicas, seed=0, t=100_000, t_w=1_000):
    """A stored result: layers 3..6 of independent vectors, the others 0.9 shared within a sample."""
    rng = np.random.default_rng(seed)
    matrices = []
    for layer in range(1, DEPTH + 1):
        size = {1: 64 * N, DEPTH: 2 * N}.get(layer, N * N)
        share = 0.0 if layer in LIQUID else SOLID
        x = np.sqrt(share) * rng.normal(size=(samples, 1, size))
        x = (x + np.sqrt(1 - share) * rng.normal(size=(samples, replicas, size))).reshape(-1, size)
        matrices.append(0.01 * x @ x.T / size)
    raw = np.array(matrices, dtype="float32")[None, None]
    return xr.Dataset(
        {"Q_matrix_raw": (("t_w", "t_matrix", "weight_layer", "machine", "machine_b"), raw)},
        coords={
            "t_w": [t_w], "t_matrix": [t], "weight_layer": np.arange(1, DEPTH + 1),
            "machine_sample": ("machine", np.repeat(np.arange(samples), replicas)),
            "machine_replica": ("machine", np.tile(np.arange(replicas), samples)),
        },
        attrs={
            "identity": reduced.identity(protocol), "depth": DEPTH, "width": N, "patterns": 60, "steps": 400,
        },
    )  # fmt: skip


class Made:
    """Results with what is given in them."""

    size = "laptop"

    def __init__(self, found):
        self.found = found

    def get(self, study, label):
        return self.found.get(study)


@pytest.fixture(scope="module")
def protocol():
    from simulate.thermal.presets import preset

    return preset("huang2025", data="digits", threshold=None, classes=(0, 1), patterns=60)


@pytest.fixture(scope="module")
def made(protocol):
    return Made(
        {
            "pairs": made_up(protocol, 7, 7),
            "tree": made_up(protocol, 1, 12, 1),
            "distributions": made_up(protocol, 6, 6, 2),
        }
    )


def draw(figure, letter, results):
    panel = Panel(f"{figure.name}{letter}", Page().subplots(), results)
    figure.panels[letter](panel)
    return panel, {claim.name: claim for claim in panel.claims}


@pytest.fixture(scope="module")
def drawn(made):
    """Every panel of Fig. 4 and Fig. S9, drawn once."""
    return {
        (f.name, letter): draw(f, letter, made)
        for f in (figure_4.FIGURE, figure_s9.FIGURE)
        for letter in f.panels
    }


def test_distribution_of_the_liquid(drawn):
    _, claims = drawn["4", "a"]
    number = claims["peaks of P(Q_5), raw"]
    assert (number.ours.value, number.paper, number.source) == (1, 1, "text")
    for kind in ("all pairs", "same sample", "different samples"):
        assert claims[f"mean of Q_5, {kind}"].verdict == "agrees"
    assert claims["mean of Q_5, all pairs, raw"].verdict == "agrees"
    assert claims["skewness of Q_5, all pairs"].verdict == "agrees"
    ratio = claims["width of Q_5 over that of independent vectors, same sample"].ours
    assert ratio.value == pytest.approx(1, abs=0.15)
    assert "M = 60 for" in number.note
    assert "t = " not in number.note
    assert claims["width of Q_5, all pairs"].paper is None


def test_distribution_of_the_solid(drawn):
    _, claims = drawn["4", "d"]
    assert claims["peaks of P(Q_9), normalised"].verdict == "agrees"
    assert claims["peaks of P(Q_9), normalised"].ours.value == 2
    same = claims["mean of Q_9, same sample"]
    assert same.ours.value == pytest.approx(SOLID, abs=0.02)
    assert (same.ours.samples, same.verdict) == (7, "no reference")
    assert abs(claims["mean of Q_9, different samples"].ours.value) < 0.05


def test_a_solid_where_the_paper_has_a_liquid_differs(made):
    """The claims can fail: the matrix of layer 9 in the place of layer 5."""
    swapped = made.found["pairs"].copy()
    swapped["Q_matrix_raw"] = swapped["Q_matrix_raw"].copy()
    swapped["Q_matrix_raw"].loc[{"weight_layer": 5}] = swapped["Q_matrix_raw"].sel(weight_layer=9).values
    wrong = Made({"pairs": swapped})
    _, claims = draw(figure_4.FIGURE, "a", wrong)
    assert claims["peaks of P(Q_5), raw"].verdict == "differs"
    assert claims["mean of Q_5, same sample"].verdict == "differs"
    _, claims = draw(figure_4.FIGURE, "b", wrong)
    assert claims["blocks of samples in the tree, l = 5 (1: yes)"].verdict == "differs"


def test_an_earlier_time_is_held_against_nothing_but_the_symmetry(protocol):
    early = Made({"pairs": made_up(protocol, 7, 7, t=30_000), "tree": made_up(protocol, 1, 12, 1, t=30_000)})
    compared = {
        claim.name: claim.verdict
        for letter in figure_4.FIGURE.panels
        for claim in draw(figure_4.FIGURE, letter, early)[1].values()
        if claim.verdict != "no reference"
    }
    assert compared == {"mean of Q_5, different samples": "agrees"}


def test_matrices_have_blocks_in_the_solid_alone(drawn):
    for letter, layer, contrast in (("b", 5, 0.0), ("e", 9, SOLID)):
        panel, claims = drawn["4", letter]
        found = claims[f"same-sample less different-sample overlap, l = {layer}"].ours
        assert found.value == pytest.approx(contrast, abs=max(4 * found.error, 0.02))
        assert claims[f"blocks of samples in the tree, l = {layer} (1: yes)"].verdict == "agrees"
        # 6 x 6 of the 7 x 7 machines there are.
        assert sum(row[2] == "sorted matrix" for row in panel.rows) == 36**2
        leaves = [row[4] for row in panel.rows if row[2] == "machine (sample)"]
        blocks = 1 + int(np.count_nonzero(np.diff(leaves)))
        assert (blocks == 6) == (layer == 9)


def test_one_sample_has_no_error_bar(drawn):
    _, claims = drawn["4", "c"]
    assert claims["mean of Q_5, one sample"].verdict == "no error bar"
    assert "1 x 12 machines for 1 x 40" in claims["mean of Q_5, one sample"].note
    _, claims = drawn["4", "f"]
    assert claims["mean of Q_9, one sample"].ours.value == pytest.approx(SOLID, abs=0.03)


def test_every_layer_has_its_claims(drawn):
    panel, claims = drawn["S9", ""]
    assert len(claims) == 40
    for layer in range(1, DEPTH + 1):
        liquid = layer in LIQUID
        mean = claims[f"mean of Q_{layer}, same sample"]
        assert mean.ours.value == pytest.approx(0 if liquid else SOLID, abs=0.05)
        assert "M = 60 for 4" in mean.note
        assert "t = 1e5 for 5e5" in mean.note
        if liquid:
            assert claims[f"peaks of P(Q_{layer}), same sample"].ours.value == 1
            ratio = claims[f"width of Q_{layer} over that of independent vectors, same sample"].ours
            assert ratio.value == pytest.approx(1, abs=0.2)
        shown = any(row[2] == f"independent, layer {layer}" for row in panel.rows)
        assert shown == liquid


def test_what_is_not_there_is_said(made, tmp_path):
    broken = made.found["pairs"].copy()
    broken["Q_matrix_raw"] = broken["Q_matrix_raw"] * np.nan
    without = made.found["pairs"].drop_vars("Q_matrix_raw")
    empty = results_at("smoke", tmp_path)
    for results in (empty, Made({}), Made({"pairs": broken}), Made({"pairs": without})):
        for figure in (figure_4.FIGURE, figure_s7.FIGURE):
            for letter in figure.panels:
                _, claims = draw(figure, letter, results)
                assert {claim.verdict for claim in claims.values()} == {"not run at this size"}


def test_claims_do_not_depend_on_what_was_run(drawn):
    """The scoreboard has the same rows with results and without."""
    for figure in (figure_4.FIGURE, figure_s9.FIGURE):
        for letter in figure.panels:
            assert [*drawn[figure.name, letter][1]] == [*draw(figure, letter, Made({}))[1]]


def test_overlaps_of_a_layer(made):
    result = made.found["pairs"]
    found = overlaps(result, 1)
    assert [overlaps(result, layer).weights for layer in (1, 5, DEPTH)] == [640, 100, 20]
    np.testing.assert_allclose(np.diagonal(found.matrix), 1, rtol=1e-6)
    assert found.made == {"M": 60, "N": 10, "t": 100_000, "t_w": 1_000, "ln alpha": 1.8}
    part = found.some(2, 3)
    assert part.sample.tolist() == [0, 0, 0, 1, 1, 1]
    assert part.matrix[0, 3] == found.matrix[0, 7]
    assert overlaps(result, 11) is None
