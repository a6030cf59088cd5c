"""The figure of data without structure, on made-up results whose numbers are known."""

import math

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from scipy import stats

from deepglass.errors import InvalidInput
from paper_figures.huang2025 import FIGURES, claims, parse
from paper_figures.huang2025.claims import estimate
from paper_figures.huang2025.figure_nulls import CHANCE_ERROR, FIGURE, NAMES, OWN
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.relaxation import unlike
from paper_figures.huang2025.studies import NULLS, studies_at
from paper_figures.stored import reduced
from paper_figures.stored.study import SIZES

DEPTH, STEPS, T_W = 6, 400, 200
T = np.array([0, 1, 100, 200, 300, 400])
EVEN = (1.0, 0.9, 0.5, 0.1, 0.6, 0.8, 1.0)
"""1/e is crossed between layers 2 and 3, and between 3 and 4 from the other side; one layer is liquid."""


def made_up(profile=EVEN, samples=4, accuracy=0.5, late=0.25, steps=STEPS, noise=0.01, seed=0):
    """A result: profile, accuracy and E(t > 1)/E(1) as given, up to noise over samples."""
    random = np.random.default_rng(seed)
    q = np.asarray(profile) + noise * random.standard_normal((samples, DEPTH + 1))
    curve = np.ones((len(T), samples))
    energy = np.where(T[:, None] > 1, late, 1.0) * curve
    a = accuracy * curve + noise * random.standard_normal(samples)
    return xr.Dataset(
        {
            "q": (("t_w", "t", "sample", "neuron_layer"), np.broadcast_to(q, (1, len(T), *q.shape))),
            "E": (("t", "sample"), 7.0 * energy),
            "A_tanh": (("t", "sample"), a),
            "A_sgn": (("t", "sample"), 0.5 * curve),
        },
        coords={"t_w": [T_W], "t": T, "sample": np.arange(samples), "neuron_layer": np.arange(DEPTH + 1)},
        attrs={"depth": DEPTH, "steps": steps, "patterns": 60, "alpha": 6.0},
    )


class Stored:
    """Results in memory, by ensemble."""

    size = "laptop"

    def __init__(self, **found):
        self.found = found

    def get(self, study, label):
        assert study == ("widths" if label == "N=10" else "nulls")
        return self.found.get(label)


def drawn(letter, **found):
    """The panel, with its claims by name."""
    panel = Panel(f"nulls{letter}", Figure().subplots(), Stored(**found))
    FIGURE.panels[letter](panel)
    named = {claim.name: claim for claim in panel.claims}
    assert len(named) == len(panel.claims)
    return panel, named


def everything(**changes):
    """All five, the same but for what is given, each with noise of its own."""
    labels = ("N=10", *NULLS)
    return {label: made_up(seed=k, **changes.get(label, {})) for k, label in enumerate(labels)}


def test_a_layer_that_melts_without_structure_differs_and_others_agree():
    molten = (1.0, 0.9, 0.1, 0.1, 0.6, 0.8, 1.0)
    _, found = drawn("a", **everything(shuffled={"profile": molten}))
    claim = found["q_2*, shuffled labels - unchanged"]
    assert claim.verdict == "differs"
    assert claim.ours.value == pytest.approx(-0.4, abs=0.05)
    assert (claim.paper, claim.source) == (0.0, "null")
    assert found["q_2*, teacher's labels - unchanged"].verdict == "agrees"
    assert found["q_3*, shuffled labels - unchanged"].verdict == "agrees"
    plain = found["q_2*, unchanged"]
    assert plain.ours.value == pytest.approx(0.5, abs=0.03)
    assert (plain.verdict, plain.source) == ("no reference", "")
    assert len(found) == (DEPTH - 1) * (5 + 4)


def test_extents_are_those_of_the_profile():
    """Against the interpolation by hand; layers 2 and 3 of the molten profile are liquid."""
    molten = (1.0, 0.9, 0.1, 0.1, 0.6, 0.8, 1.0)
    _, found = drawn("d", **everything(teacher={"profile": molten}))
    level = math.exp(-1)
    for data, xi in (("unchanged", 2 + (0.5 - level) / 0.4), ("teacher's labels", 1 + (0.9 - level) / 0.8)):
        assert found[f"xi_s, {data}"].ours.value == pytest.approx(xi, abs=0.06)
    assert found["xi_output, unchanged"].ours.value == pytest.approx(2 + (0.6 - level) / 0.5, abs=0.06)
    assert [found[f"n_liquid, {NAMES[data]}"].ours.value for data in (OWN, "teacher")] == [1, 2]
    assert found["n_liquid, teacher's labels - unchanged"].ours.value == 1
    assert found["xi_s, teacher's labels - unchanged"].verdict == "differs"
    assert found["xi_output, teacher's labels - unchanged"].verdict == "agrees"


def test_energy_is_that_of_late_times_over_the_first():
    _, found = drawn("b", **everything(shuffled={"late": 0.5}))
    assert found["E*/E(0), unchanged"].ours.value == pytest.approx(0.25, rel=1e-12)
    assert found["E*/E(0), shuffled labels - unchanged"].ours.value == pytest.approx(0.25, rel=1e-12)


def test_accuracy_is_beside_chance_where_the_labels_were_replaced():
    _, found = drawn("c", **everything(**{"N=10": {"accuracy": 0.9}, "teacher": {"accuracy": 0.8}}))
    assert found["A*, unchanged"].paper is None
    for label in NULLS:
        assert found[f"A*, {NAMES[label]}"].paper == 0.5
    assert found["A*, shuffled labels"].verdict == "agrees"
    assert found["A*, teacher's labels"].verdict == "differs"
    assert found["A*, shuffled labels - unchanged"].ours.value == pytest.approx(-0.4, abs=0.03)


def test_chance_reaches_as_far_as_400_coins():
    assert pytest.approx(stats.binom(400, 0.5).std() / 400) == CHANCE_ERROR


@pytest.mark.parametrize("letter", "abcd")
@pytest.mark.parametrize("there", [(), ("N=10",), ("shuffled",), ("N=10", "teacher")])
def test_what_is_missing_is_said(letter, there):
    whole = everything()
    panel, found = drawn(letter, **{label: whole[label] for label in there})
    names = {"N=10": OWN} | {label: NAMES[label] for label in NULLS}
    for name, claim in found.items():
        words = name.split(", ", 1)[1].split(" - ")
        missing = [w for w in words if w not in {names[label] for label in there}]
        assert (claim.ours is None) == bool(missing)
        assert (claim.verdict == "not run at this size") == bool(missing)
    said = any("not run" in text.get_text() for text in panel.axes.texts)
    assert said == (not there)
    if len(there) != 1:
        panel.axes.figure.canvas.draw()


def test_no_difference_between_other_times():
    _, found = drawn("c", **everything(**{"N=10": {"steps": 300}}))
    claim = found["A*, shuffled labels - unchanged"]
    assert claim.ours is None
    assert claim.note == "t = 200 after t_w = 200; but t = 100 after t_w = 200 with the data unchanged"


def test_without_a_liquid_layer_there_is_no_depth():
    solid = {label: {"profile": (1.0, *[0.9] * (DEPTH - 1), 1.0)} for label in ("N=10", *NULLS)}
    _, found = drawn("d", **everything(**solid))
    assert math.isnan(found["xi_s, unchanged"].ours.value)
    assert "no layer is liquid" in found["xi_s, unchanged"].note
    assert "no layer is liquid" in found["xi_s, shuffled labels - unchanged"].note
    assert found["n_liquid, unchanged"].ours.value == 0


@pytest.mark.parametrize(("first", "second"), [(4, 6), (20, 20), (2, 6), (3, 3)])
def test_differences_are_tested_as_by_welch(first, second):
    random = np.random.default_rng(first + second)
    a, b = random.normal(0, 1, first), random.normal(0.5, 3, second)
    found, welch = unlike(estimate(a), estimate(b)), stats.ttest_ind(a, b, equal_var=False)
    assert found.value / found.error == pytest.approx(welch.statistic)
    assert found.samples - 1 == math.floor(welch.df)
    claim = claims.Claim("x", "y", found, 0.0)
    strict = 2 * stats.t.sf(abs(welch.statistic), found.samples - 1)
    assert claim.verdict == ("differs" if strict < claims.RARE else "agrees")


def test_one_sample_has_no_error():
    found = unlike(estimate([1.0]), estimate([0.0, 0.5]))
    assert (found.value, found.samples) == (0.75, 1)
    assert math.isnan(found.error)


def test_equal_samples_have_no_error_and_no_test():
    found = unlike(estimate([1.0, 1.0]), estimate([0.0, 0.0]))
    assert (found.value, found.error) == (1.0, 0.0)


@pytest.mark.parametrize("size", SIZES)
def test_study_is_the_machine_of_widths_but_for_its_data(size):
    known = studies_at(size)
    own, nulls = known["widths"].ensembles["N=10"], known["nulls"].ensembles
    assert list(nulls) == list(NULLS)
    for label, protocol in nulls.items():
        changed = reduced.difference(reduced.identity(own), reduced.identity(protocol))
        wanted = [f"{name} = 'own' and '{value}'" for name, value in sorted(NULLS[label].items())]
        assert changed == ", ".join(wanted)


def test_names_of_figures_and_panels():
    assert "nulls" in FIGURES
    assert [letter for _, letter in (*parse("nulls"), *parse("nullsc"))] == ["", "c"]
    for wrong in ("nullse", "null", "nullsaa"):
        with pytest.raises(InvalidInput, match=r"must be one of|has no panel"):
            parse(wrong)
