"""Readings of the paper: which start, scale, thermostat, time step and energy give its printed curves.

The text of arXiv:2506.06789 does not say everything, and what it says of the start does not give its curves.
A *reading* is one way to fill the gaps. Two stages:

* ``scan``: many laws and amplitudes of the start, in short runs, against Fig. 2c (N = 5 and 10, t <= 3000);
* ``finals``: a few readings in longer runs, *fitted* on Figs. 2c and 2g and *judged* on Figs. 2a, 2b and 2d.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paper_figures.stored.study import Study
from simulate import Protocol
from simulate.thermal.presets import preset

MOST = {"smoke": 60, "laptop": 1715, "paper": 12_000}
"""Training images there are, at most: a study that asks for more gets these, and its figures say so."""


@dataclass(frozen=True)
class Reading:
    """One way to fill the gaps.

    Attributes:
        name: for tables.
        changes: what it changes of the preset.
        after_wait: whether it is the first finalist up to t_w: then only its correlations are its own.
    """

    name: str
    changes: Mapping[str, Any]
    after_wait: bool = False

    @classmethod
    def start(cls, law: str, c_scale: str = "1") -> "Reading":
        """A law of the start."""
        name = law if c_scale == "1" else f"{law}, c = 1/sqrt(N)"
        return cls(name, {"start": law, "c_scale": c_scale})


@dataclass(frozen=True)
class Scan:
    """A set of laws that is scanned; each set has its own seed."""

    name: str
    readings: tuple[Reading, ...]
    samples: int
    seed: int


def _coarse() -> tuple[Reading, ...]:
    """All laws, amplitudes over decades."""
    laws = [
        f"normal:{s},{j}"
        for s in (0, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7)
        for j in (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
    ]
    laws += [f"forward:{j}" for j in (0.003, 0.01, 0.03, 0.1, 0.3, 1)]
    laws += [f"fan-in:{s},{g}" for s in (0.03, 0.1, 0.3, 1) for g in (0.1, 0.3, 1)]
    laws += [f"uniform:{pair}" for pair in ("1,1", "0.17,0.017", "1,0.017", "0.17,1", "1,0.1", "1,0.3")]
    pairs = (
        "1,1", "0.1,0.01", "0.1,0.1", "0.1,0.3", "0.3,0.03", "0.3,0.1", "0.3,0.3", "0.3,1", "1,0.3", "1,0.1",
    )  # fmt: skip
    scaled = [Reading.start(f"uniform:{pair}", "inv-sqrt") for pair in pairs]
    return (*[Reading.start(law) for law in laws], *scaled)


def _near() -> tuple[Reading, ...]:
    """Around the best of the coarse scan."""
    laws = [
        f"normal:{s},{j}"
        for s in (0.05, 0.07, 0.1, 0.14)
        for j in (0.002, 0.003, 0.005, 0.007, 0.01, 0.014, 0.02)
    ]
    laws += [f"uniform:{s},{j}" for s in (0.1, 0.14, 0.17, 0.2) for j in (0.005, 0.01, 0.017)]
    return tuple(Reading.start(law) for law in laws)


SCANS = (Scan("coarse", _coarse(), samples=4, seed=5), Scan("near", _near(), samples=6, seed=6))

SMALL = {"start": "normal:0.1,0.01"}
FINALISTS = (
    Reading("normal:0.1,0.01", SMALL),
    Reading("normal:0.1,0.01, fresh velocities at t_w", {**SMALL, "velocities": "fresh"}, after_wait=True),
    Reading.start("normal:0.1,0.005"),
    Reading.start("uniform:0.2,0.02"),
    Reading.start("uniform:0.2,0.017"),
    Reading.start("fan-in:0.1,1"),
    Reading("uniform:1,1, fresh velocities at t_w", {"start": "uniform:1,1", "velocities": "fresh"}),
    Reading(
        "uniform:1,1, fresh velocities at t_w, c = 1/sqrt(N)",
        {"start": "uniform:1,1", "velocities": "fresh", "c_scale": "inv-sqrt"},
    ),
    Reading("normal:0.1,0.01, thermostat literal", {**SMALL, "thermostat": "literal"}),
    Reading("normal:0.1,0.01, dt = 0.005, eta per step", {**SMALL, "dt": 0.005}),
    Reading("normal:0.1,0.01, dt = 0.02, eta per step", {**SMALL, "dt": 0.02}),
)
"""Readings that go into the finals: the best of the scan, the text as printed, and one of each other gap."""


def label(reading: Reading, what: str) -> str:
    """Label of an ensemble of a reading, fit for the name of a file."""
    plain = reading.name.replace(":", "-").replace(",", "-").replace(" ", "").replace("/", "-over-")
    return f"{plain}.{what}"


def scan_study(size: str) -> Study:
    """The short runs of all readings."""
    common: dict[str, Any] = {
        "patterns": MOST[size], "steps": 3_000, "waiting_time": 1, "replicas": 1, "per_decade": 20,
        "keep_state": False, "velocities": "fresh",
    }  # fmt: skip
    if size == "smoke":
        common |= {"data": "digits", "steps": 100}
    ensembles = {}
    for scan in SCANS:
        for reading in scan.readings[:2] if size == "smoke" else scan.readings:
            for width in (5, 10):
                values = {
                    **common,
                    **reading.changes,
                    "width": width,
                    "samples": scan.samples,
                    "seed": scan.seed,
                }
                ensembles[label(reading, f"{scan.name}.N={width}")] = preset("huang2025", **values)
    return Study("readings-scan", ensembles, split=None, keep=("E",), bundled=True)


def finals_study(size: str) -> Study:
    """The longer runs of the finalists: N = 10 with its correlations, the others for their energies."""
    smoke = size == "smoke"
    common: dict[str, Any] = {
        "per_decade": 16, "replicas": 1, "keep_state": False, "seed": 7, "patterns": MOST[size],
        "classes": (0, 1), "threshold": None if smoke else 127.0, "data": "digits" if smoke else "mnist",
    }  # fmt: skip
    correlations = {"steps": 13_000, "waiting_time": (100, 1_000, 10_000), "samples": 4}
    # Thermal velocities at step 1: a start that is not quite at rest.
    energies = {"steps": 10_000, "waiting_time": 1, "velocities": "fresh"}
    if smoke:
        correlations |= {"steps": 300, "waiting_time": (10, 100)}
        energies |= {"steps": 300}
    ensembles: dict[str, Protocol] = {}
    for reading in FINALISTS[:2] if smoke else FINALISTS:
        sets: dict[str, dict[str, Any]] = {"N=10": correlations}
        if not reading.after_wait:
            sets |= {f"N={n}": {**energies, "width": n, "samples": 4} for n in (5, 20)}
            sets |= {
                f"M={m}": {**energies, "patterns": min(m, MOST[size]), "samples": 6} for m in (10, 40, 250)
            }
        for what, values in sets.items():
            ensembles[label(reading, what)] = preset("huang2025", **{**common, **values, **reading.changes})
    keep = ("E", "E_layer", "kinetic", "A_tanh", "A_sgn", "c_global")
    return Study("readings-finals", ensembles, split=None, keep=keep, bundled=True)
