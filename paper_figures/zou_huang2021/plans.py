"""What is inferred of which ensemble: fits, references, tilts, chains."""

from dataclasses import dataclass, field, replace

from compare.ising_fits import Learning
from compare.ising_models import Sampling


@dataclass(frozen=True)
class Plan:
    """What is inferred of an ensemble.

    ``fits`` by name (:mod:`compare.ising_fits`); ``references`` of each level; ``x``: first and last tilt and
    how many; ``chains``: whether landscapes are also swept by chains; ``iso``: tilts of the landscape of
    constant energy, of given models (none: not made), ``iso_beta``: the bracket of its temperature; ``tap``:
    starts of the count of TAP states; ``bethe_sweeps``: after which a fit has no fixed point,
    ``given_sweeps``: a given model.
    """

    fits: tuple[str, ...] = ()
    references: int = 2
    x: tuple[float, float, int] = (-3.0, 3.0, 121)
    chains: bool = True
    judged: bool = True
    iso: tuple[float, ...] = ()
    tap: int = 0
    bethe_sweeps: int = 1000
    given_sweeps: int = 1000
    iso_beta: tuple[float, float] = (0.1, 3.0)
    learning: Learning = field(default_factory=Learning)
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0


SMOKE = Plan(
    ("independent", "bethe.zero", "exact.independent"), 1, (-3.0, 3.0, 25), tap=4, iso=(-1.0, 0.0, 1.0),
    learning=Learning(30, 60, 60, 3, (0.2,)), sampling=Sampling(60, 20, 10, 2, 60, 20, 10, 10),
)  # fmt: skip

EXACT = ("exact.zero", "exact.independent", "exact.pseudo", "exact.broken")
SHALLOW = Plan(
    ("independent", "bethe.zero", "bethe.independent", "bethe.scaled", "nmf", "response", "pseudo", *EXACT),
    tap=40,
    bethe_sweeps=400,
)
FEWER = replace(SHALLOW, references=1, x=(-3.0, 3.0, 61), bethe_sweeps=200)
OWN_SHALLOW = replace(FEWER, fits=(*FEWER.fits, "exact.independent.free", "exact.broken.free"))
CONTROL = replace(OWN_SHALLOW, fits=(*OWN_SHALLOW.fits, "exact.truth", "exact.truth.free"), tap=0)
"""As our own ensembles are judged, and what only a control can tell."""
WHOLE = Plan(
    references=1, x=(-3.0, 3.0, 31), chains=False, judged=False, tap=10, given_sweeps=200, iso_beta=(0.3, 2.4)
)
DEEP = Plan(references=1, chains=False, judged=False, tap=10)
OWN_DEEP = Plan(
    ("independent", "response", "pseudo", "exact.pseudo"), references=1, x=(-3.0, 3.0, 61), chains=False,
    tap=10,
    bethe_sweeps=300,
)  # fmt: skip
"""For ensembles of deep networks of our own."""
ISO = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
"""Tilts of the landscape of constant energy."""
