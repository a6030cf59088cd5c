"""How far the readings (:mod:`.readings`) are from the paper's curves.

A misfit is the mean over the digitised points of ((ours - paper)/error)^2, where error is our standard error
over samples and that of reading the figure (the paper's own sampling error is known for Fig. 2g only), and
beside it the root mean square of ln(ours/paper), which does not reward scatter.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from compare.resampling import jackknife_error, standard_error
from paper_figures.huang2025 import measures
from paper_figures.huang2025.readings import FINALISTS, SCANS, Reading, label
from paper_figures.huang2025.reference import FIXED_M, FIXED_N, READING_ERROR, Curve, curves
from paper_figures.stored.results import Results

ORIGINS = (1, 2, 11)
"""Steps whose energy may be the E(0) of the figures; 11 is the first point of Fig. 2c."""


@dataclass(frozen=True)
class Misfit:
    """How far a reading is from a curve of the paper.

    Attributes:
        chi2: chi-square per point.
        rms: root mean square of ln(ours/paper); of the plain difference where the curve changes sign or is
            bounded.
        points: of the digitised curve that were compared.
        without: by run, ``rms`` when one of its samples is left out, (sample).
    """

    chi2: float
    rms: float
    points: int
    without: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def error(self) -> float:
        """Standard error of ``rms`` over samples."""
        return jackknifed(self.without)


def jackknifed(without: Mapping[str, NDArray[np.float64]]) -> float:
    """Standard error of a number, by run its values when one of the samples is left out, (sample).

    All curves of a run lose the same sample at once; different runs are independent.
    """
    return math.hypot(*(float(jackknife_error(found)) for found in without.values()))


def misfit(ours: xr.DataArray, paper: Curve, last: float, logarithmic: bool = True, run: str = "") -> Misfit:
    """Compare values (t, sample) of a run with a curve up to t = ``last``, linear in ln t between our times.

    ``run`` names the run, for :func:`jackknifed`.
    """
    t = ours["t"].values.astype(float)
    known = (t > 0) & np.isfinite(ours.transpose("t", "sample").values).all(1)
    shown = (paper.x <= min(last, t[known][-1])) & (paper.x >= t[known][0])
    x, y = np.log(paper.x[shown]), paper.y[shown]
    rows = ours.transpose("sample", "t").values[:, known].astype(float)
    samples = np.array([np.interp(x, np.log(t[known]), row) for row in rows])

    def rms(mean: NDArray[np.float64]) -> float:
        return float(np.sqrt(np.mean((np.log(mean / y) if logarithmic else mean - y) ** 2)))

    count, mean = len(samples), samples.mean(0)
    spread = np.nan_to_num(paper.error[shown])
    error = standard_error(samples)
    reading = READING_ERROR * (y if logarithmic else 1.0)
    chi2 = float(np.mean((mean - y) ** 2 / (error**2 + spread**2 + reading**2)))
    without = np.array([rms((count * mean - sample) / (count - 1)) for sample in samples])
    return Misfit(chi2, rms(mean), int(shown.sum()), {run: without})


def scan_table(results: Results) -> list[tuple[str, Reading, dict[tuple[int, int], Misfit]]]:
    """Of every scanned reading the misfits by (width, origin), best first."""
    found = []
    for scan in SCANS:
        for reading in scan.readings:
            misfits = {}
            for width in (5, 10):
                result = results.get("readings-scan", label(reading, f"{scan.name}.N={width}"))
                if result is None:
                    continue
                for origin in ORIGINS:
                    if origin in result["t"]:
                        ratio = measures.energy_ratio(result, origin)
                        misfits[width, origin] = misfit(ratio, curves("2c")[FIXED_M[f"N={width}"]], 3_000)
            if {width for width, _ in misfits} == {5, 10}:
                found.append((scan.name, reading, misfits))
    return sorted(found, key=lambda entry: best(entry[2])[1])


def best(misfits: Mapping[tuple[int, int], Misfit]) -> tuple[int, float]:
    """The origin with the smallest rms over the widths, and that rms."""
    totals = {
        origin: float(np.sqrt(np.mean([m.rms**2 for (_, o), m in misfits.items() if o == origin])))
        for origin in sorted({o for _, o in misfits})
    }
    return min(totals.items(), key=lambda item: item[1])


SETTINGS = {"N = 10, M = 1000": ("patterns", "M=1000"), "N = 20, M = 1715": ("widths", "N=20")}
"""The machines that ln alpha = 4.6 may mean, by study and ensemble."""


def settings_table(results: Results) -> list[tuple[str, Misfit, Misfit]]:
    """How far either machine of ln alpha = 4.6 is from Fig. S1 at T = 1e-5, and from Fig. 2c (N = 20)."""
    found = []
    for name, (study, ensemble) in SETTINGS.items():
        if (result := results.get(study, ensemble)) is not None:
            ratio = measures.energy_ratio(result, measures.E0_TIME)
            papers = curves("S1a")["T=1e-5"], curves("2c")[FIXED_M["N=20"]]
            one, other = (misfit(ratio, paper, UNTIL) for paper in papers)
            found.append((name, one, other))
    return found


CONTENTS: Mapping[str, str] = {
    "": "H = sum_l E_l",
    "E with kinetic energy": "H + sum v^2/2",
    "E without layer 1": "sum_{l > 1} E_l",
    "E of the output layer": "E_L",
}
"""What the figures' E(t) may contain; the first is what the text says."""

FIT = ("2c, N=5", "2c, N=10", "2c, N=20", "2g")
"""Panels on which the readings are fitted."""

JUDGE = ("2a, M=10", "2a, M=40", "2a, M=250", "2b, tanh", "2b, sgn", "2d, tanh", "2d, sgn")
"""Panels that are not fitted. (Two of them, 2a at M = 40 and 250, had been seen with the first finalist when
the scan was planned.)"""

PATTERNS = (10, 40, 250)
"""M of Fig. 2a that are compared."""

UNTIL = 10_000
"""Step up to which the finals are compared."""


@dataclass(frozen=True)
class Row:
    """A reading of the finals with its misfit on every panel that was run."""

    name: str
    reading: Reading
    misfits: Mapping[str, Misfit]

    @property
    def fit(self) -> float:
        """Mean rms over the panels of the fit; infinite if one is missing."""
        known = [self.misfits[panel].rms for panel in FIT if panel in self.misfits]
        return float(np.mean(known)) if len(known) == len(FIT) else math.inf

    @property
    def chi2(self) -> float:
        """Mean chi-square per point over the panels of the fit; infinite if one is missing."""
        known = [self.misfits[panel].chi2 for panel in FIT if panel in self.misfits]
        return float(np.mean(known)) if len(known) == len(FIT) else math.inf

    @property
    def fit_error(self) -> float:
        """Standard error of ``fit`` over samples; the panels share runs."""
        known = [self.misfits[panel] for panel in FIT if panel in self.misfits]
        return jackknifed(
            {
                run: np.mean([m.without.get(run, m.rms + none) for m in known], axis=0)
                for run, none in _runs(known)
            }
        )

    @property
    def judged(self) -> float:
        """Mean rms over the panels of the judge, accuracies with the tanh network."""
        panels = [panel for panel in JUDGE if not panel.endswith("sgn")]
        known = [self.misfits[panel].rms for panel in panels if panel in self.misfits]
        return float(np.mean(known)) if len(known) == len(panels) else math.nan


def content(result: xr.Dataset, what: str) -> xr.DataArray:
    """The energy of a reading, (t, sample); ``what`` is one of CONTENTS."""
    if what == "E with kinetic energy":
        kinetic: xr.DataArray = 0.5 * int(result.attrs["particles"]) * result["kinetic"]
        return result["E"] + kinetic
    if what == "E without layer 1":
        return result["E"] - result["E_layer"].sel(weight_layer=1, drop=True)
    if what == "E of the output layer":
        return result["E_layer"].isel(weight_layer=-1, drop=True)
    return result["E"]


def finals_table(results: Results) -> list[Row]:
    """The finals, best fit first; the first finalist also with other contents of E(t)."""
    rows = []
    for reading in FINALISTS:
        there = {}
        for what in _ensembles():
            source = FINALISTS[0] if reading.after_wait and what != "N=10" else reading
            there[what] = results.get("readings-finals", label(source, what))
        for extra in CONTENTS if reading is FINALISTS[0] else [""]:
            # What E contains changes neither correlations nor accuracies.
            misfits = _energies(there, extra) | _correlations(there) | _accuracies(there)
            if misfits:
                rows.append(Row(f"{reading.name}, {extra}" if extra else reading.name, reading, misfits))
    return sorted(rows, key=lambda row: (math.isinf(row.fit), row.fit))


def _ensembles() -> list[str]:
    return [*(f"N={n}" for n in (5, 10, 20)), *(f"M={m}" for m in PATTERNS)]


Stored = Mapping[str, xr.Dataset | None]


def _energies(there: Stored, extra: str) -> dict[str, Misfit]:
    found = {}
    for width in (5, 10, 20):
        if (result := there[f"N={width}"]) is not None:
            energy = content(result, extra)
            ratio = energy / measures.at(energy, measures.E0_TIME)
            paper, run = curves("2c")[FIXED_M[f"N={width}"]], f"N={width}"
            found[f"2c, {run}"] = misfit(ratio, paper, UNTIL, run=run)
    for patterns in PATTERNS:
        if (result := there[f"M={patterns}"]) is not None:
            energy = content(result, extra)
            paper = curves("2a")[FIXED_N[f"M={patterns}"]]
            found[f"2a, M={patterns}"] = misfit(
                energy / measures.at(energy, paper.x[0]), paper, UNTIL, run=f"M={patterns}"
            )
    return found


def _correlations(there: Stored) -> dict[str, Misfit]:
    result = there["N=10"]
    if result is None:
        return {}
    parts = [
        misfit(result["c_global"].sel(t_w=t_w), curves("2g")[f"tw={name}"], UNTIL, False, "N=10")
        for t_w, name in ((100, "1e2"), (1_000, "1e3"), (10_000, "1e4"))
        if t_w in result["t_w"]
    ]
    return {"2g": _together(parts)} if parts else {}


def _accuracies(there: Stored) -> dict[str, Misfit]:
    found = {}
    for net in ("tanh", "sgn"):
        if (result := there["M=250"]) is not None:
            paper = curves("2b")[FIXED_N["M=250"]]
            found[f"2b, {net}"] = misfit(result[f"A_{net}"], paper, UNTIL, False, "M=250")
        known = {n: there[f"N={n}"] for n in (5, 10, 20)}
        parts = [
            misfit(result[f"A_{net}"], curves("2d")[FIXED_M[f"N={n}"]], UNTIL, False, f"N={n}")
            for n, result in known.items()
            if result is not None
        ]
        if parts:
            found[f"2d, {net}"] = _together(parts)
    return found


def _together(parts: list[Misfit]) -> Misfit:
    """Several curves as one."""
    weights = np.array([part.points for part in parts]) / sum(part.points for part in parts)
    rms = np.array([part.rms for part in parts])
    without = {
        run: np.sqrt(weights @ np.array([part.without.get(run, part.rms + none) for part in parts]) ** 2)
        for run, none in _runs(parts)
    }
    both = math.sqrt(float(weights @ rms**2))
    return Misfit(float(weights @ [part.chi2 for part in parts]), both, sum(p.points for p in parts), without)


def _runs(parts: Sequence[Misfit]) -> list[tuple[str, NDArray[np.float64]]]:
    """The runs behind some curves, each with a zero for every sample."""
    return [*{run: np.zeros(len(found)) for part in parts for run, found in part.without.items()}.items()]
