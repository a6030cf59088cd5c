"""A figure of our own: which part of solid, liquid, solid needs structure in the data.

The machine of ln alpha = 5.3 (N = 10) on the data unchanged, MNIST zeros and ones, and on four that lack some
of their structure (:mod:`simulate.data.nulls`): shuffled labels (images with structure, nothing to learn),
labels of a random network of the machine's own shape (a teacher), images of random signs with labels that
know nothing of them, and images of random signs with a teacher's labels.

The paper has nothing to compare with. Each of the four is compared with the data unchanged: such a claim is
the difference, beside 0. Its source is ``null``, the hypothesis that what was taken away does not matter. So
the verdict ``differs`` says that this part of the structure *does* matter, and ``agrees`` that no difference
is seen with the samples there are. A* is beside 1/2 where the labels were replaced: ``agrees`` says that
nothing was learnt that holds in the test. There are some sixty such claims; by chance one in a hundred
differs.

Samples are independent starts. There is one shuffle, one teacher and one set of random images, those of the
seed, as there is one set of digits: the errors say nothing about others. Sample s has the same start and the
same noise on all data, which is long forgotten; were it not, differences would be better known than claimed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from paper_figures.huang2025 import layers, measures, notes, relaxation, time_panels
from paper_figures.huang2025.claims import Estimate, estimate
from paper_figures.huang2025.figure import Figure
from paper_figures.huang2025.figure_s5 import draw_profile, profile_axes
from paper_figures.huang2025.layer_panels import MACHINE
from paper_figures.huang2025.panel import Panel
from paper_figures.huang2025.studies import NULLS
from paper_figures.huang2025.time_panels import Trace
from paper_figures.sheet import BLUE, GREEN, ORANGE, PINK, Colour
from simulate.data.dataset import TEST_PATTERNS

OWN = "unchanged"
NAMES = {
    OWN: OWN,
    "shuffled": "shuffled labels",
    "teacher": "teacher's labels",
    "random-images": "random images",
    "random-images-teacher": "random images, teacher's labels",
}
"""The data by ensemble, in words."""

COLOURS: Mapping[str, Colour] = dict(zip(NAMES, ("0.15", BLUE, GREEN, ORANGE, PINK), strict=True))

CHANCE = 0.5
CHANCE_ERROR = (CHANCE * (1 - CHANCE) / TEST_PATTERNS) ** 0.5
"""How far from 1/2 one set of test patterns, the same for all samples, puts a network that knows nothing."""

EXTENTS = {
    "xi_s": (BLUE, "o", r"$\xi_s$, input side"),
    "xi_output": (ORANGE, "s", r"$\xi_s$, output side"),
    "n_liquid": (GREEN, "^", "liquid layers"),
}

Results = Mapping[str, xr.Dataset | None]


@dataclass(frozen=True)
class Quantity:
    """A number that every data has."""

    name: str
    of: Callable[[xr.Dataset], Estimate]


def hidden(result: xr.Dataset) -> xr.DataArray:
    """q_l* of the hidden layers, (sample, neuron_layer)."""
    return layers.last_profile(result)[:, 1:-1]


def overlap(layer: int) -> Quantity:
    """q_l* of a layer."""
    return Quantity(f"q_{layer}*", lambda result: estimate(hidden(result).sel(neuron_layer=layer)))


def extent(name: str) -> Quantity:
    """One of EXTENTS."""
    return Quantity(name, lambda result: layers.extents(hidden(result))[name])


ENERGY = Quantity("E*/E(0)", lambda result: estimate(relaxation.late(measures.energy_ratio(result))))
ACCURACY = Quantity("A*", lambda result: estimate(relaxation.late(result["A_tanh"])))


def results(panel: Panel) -> Results:
    """By data; None where there is none."""
    return {OWN: panel.get(*MACHINE)} | {label: panel.get("nulls", label) for label in NULLS}


def times(result: xr.Dataset | None) -> str:
    """When, in words."""
    if result is None:
        return ""
    t, t_w = (notes.short(time) for time in measures.last_times(result))
    return f"t = {t} after t_w = {t_w}"


def claim(panel: Panel, quantity: Quantity, found: Results, *, chance: bool = False) -> None:
    """Claims of a number of each data, and of its difference from that of the data unchanged.

    ``chance``: beside that of a network that knows nothing, where the labels were replaced.
    """
    for label, result in found.items():
        ours = None if result is None else quantity.of(result)
        reference = CHANCE if chance and label in NULLS else None
        panel.claim(
            f"{quantity.name}, {NAMES[label]}",
            ours,
            reference,
            CHANCE_ERROR,
            "null",
            _note(ours, times(result)),
        )
    own = found[OWN]
    for label in NULLS:
        result, ours, note = found[label], None, times(found[label])
        if result is not None and own is not None:
            if measures.last_times(result) == measures.last_times(own):
                ours = relaxation.unlike(quantity.of(result), quantity.of(own))
            else:  # then more than the data differs
                note = notes.joined(note, f"but {times(own)} with the data unchanged")
        panel.claim(f"{quantity.name}, {NAMES[label]} - {OWN}", ours, 0.0, 0.0, "null", _note(ours, note))


def _note(ours: Estimate | None, note: str) -> str:
    return notes.joined(note, notes.NO_LIQUID if ours is not None and np.isnan(ours.value) else "")


def profiles(panel: Panel) -> None:
    """(a): q_l* against l, and the line of 1/e."""
    found = results(panel)
    last = max((int(result.attrs["depth"]) for result in found.values() if result is not None), default=10)
    for label, result in found.items():
        if result is not None:
            draw_profile(panel, label, result, COLOURS[label], NAMES[label])
    for layer in range(1, last):
        claim(panel, overlap(layer), found)
    profile_axes(panel, last - 1)
    if _any(panel, found):  # under the panel: profiles leave no corner free
        time_panels.legend(panel, "upper center", bbox_to_anchor=(0.5, -0.19), ncols=2, columnspacing=0.9)


def _traces(found: Results) -> list[Trace]:
    return [Trace(label, label, COLOURS[label], result, None) for label, result in found.items()]


def energy(panel: Panel) -> None:
    """(b): E(t)/E(0)."""
    found = results(panel)
    if _any(panel, found):
        time_panels.energy(panel, _traces(found), NAMES)
    claim(panel, ENERGY, found)


def accuracy(panel: Panel) -> None:
    """(c): test accuracy, and chance; dashed the sgn network."""
    found = results(panel)
    if _any(panel, found):
        time_panels.accuracy(panel, _traces(found), NAMES)
    claim(panel, ACCURACY, found, chance=True)


def extents(panel: Panel) -> None:
    """(d): how far the solid reaches from the input and from the output, and how many layers are liquid."""
    found = results(panel)
    for shift, (name, (colour, symbol, words)) in zip((-0.16, 0.0, 0.16), EXTENTS.items(), strict=True):
        quantity = extent(name)
        there = [
            (place + shift, quantity.of(result))
            for place, result in enumerate(found.values())
            if result is not None
        ]
        if there:
            panel.ours(
                name, [x for x, _ in there], [ours.value for _, ours in there],
                [ours.error for _, ours in there], colour=colour, label=words, bars=True, fmt=symbol, ms=4,
                capsize=2,
            )  # fmt: skip
        claim(panel, quantity, found)
    ticks = [words.replace(" ", "\n") for words in NAMES.values()]
    panel.axes.set_xticks(range(len(ticks)), ticks, fontsize=6.5)
    panel.axes.set(xlim=(-0.5, len(ticks) - 0.5), ylim=(-0.4, 11.4), ylabel="layers")
    if _any(panel, found):
        time_panels.legend(panel, "upper center", ncols=3, columnspacing=0.8, handletextpad=0.1)


def _any(panel: Panel, found: Results) -> bool:
    """Whether there is something to draw; else the panel says so."""
    there = any(result is not None for result in found.values())
    if not there:
        panel.empty("not run at this size")
    return there


FIGURE = Figure(
    name="nulls",
    panels={"a": profiles, "b": energy, "c": accuracy, "d": extents},
    studies=dict.fromkeys("abcd", ("/".join(MACHINE), "nulls")),
)
