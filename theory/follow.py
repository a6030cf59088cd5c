"""One branch of solutions followed through its folds, in alpha, beta or the margin."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from deepglass import checks
from deepglass.errors import InvalidInput
from theory import branches
from theory.continuation import Family, Local, trace
from theory.gaussian import Array
from theory.network import Chain
from theory.potentials import BETA_MAX, BETA_MIN, MARGIN_MAX, HardCore, Potential, SoftCore, potential_of
from theory.profile import BRANCHES, chain_of
from theory.saddle import SaddlePoint
from theory.solve import Certificate, residual

PARAMETERS = ("alpha", "beta", "margin")

_MELTED = -20.0
_SATURATED = 30.0
_DIFFERENCE = 1e-6


@dataclass(frozen=True)
class Curve:
    """A curve of solutions of one chain, T points long.

    ``values``: the parameter, (T,). ``q`` (T, L+1), ``Q`` (T, L), ``entropy``, ``residual`` (T,).
    ``folds``: the values at which the parameter turns around, in the order met; ``fold_after``: the
    index of the point before each. ``reason``: why the curve ends.
    """

    parameter: str
    values: Array
    q: Array
    Q: Array
    entropy: Array
    residual: Array
    folds: tuple[float, ...]
    fold_after: tuple[int, ...]
    reason: str

    def to_dataset(self) -> xr.Dataset:
        """The curve with labelled axes; the parameter is a coordinate along ``point``."""
        point = ("point",)
        return xr.Dataset(
            {
                "q": (("point", "neuron_layer"), self.q),
                "Q": (("point", "weight_layer"), self.Q),
                "entropy": (point, self.entropy),
                "residual": (point, self.residual),
                "fold": (("fold_number",), np.array(self.folds)),
            },
            coords={
                self.parameter: (point, self.values),
                "neuron_layer": np.arange(self.q.shape[1]),
                "weight_layer": np.arange(1, self.q.shape[1]),
            },
            attrs={"parameter": self.parameter, "reason": self.reason},
        )


def follow(
    scenario: str,
    depth: int,
    alpha: float,
    margin: float = 0.0,
    branch: str = "continuous",
    *,
    parameter: str = "alpha",
    to: float,
    closure: str = "gaussian",
    potential: str | Potential = "hard",
    beta: float | None = None,
) -> Curve:
    """Follow ``branch`` from its solution at the given values as ``parameter`` moves towards ``to``,
    through folds.

    The other arguments are those of :func:`theory.solve_profile`; ``parameter`` is ``alpha``, ``beta``
    (soft potential) or ``margin``. The set of frozen layers is kept. The curve ends where the parameter
    reaches ``to``, has come back as far past its start (at least a factor e, or 1 in the margin), or
    where an overlap reaches 0 or 1. Raises InvalidInput,
    NoSolution where the start does not exist, NotConverged if the curve cannot be followed.

    The folds of a curve are the spinodals that :func:`theory.transitions` names:

    >>> curve = follow("teacher-student", 3, 20.0, branch="crystal", to=5.0)
    >>> [f"{alpha:.2f}" for alpha in curve.folds]
    ['11.54', '27.81']
    """
    parameter = checks.one_of("parameter", parameter, PARAMETERS)
    branch = checks.one_of("branch", branch, BRANCHES[:2])
    chain = chain_of(scenario, depth, alpha, closure, potential_of(potential, margin, beta))
    low, high = {
        "alpha": (branches.ALPHA_MIN, branches.ALPHA_MAX),
        "beta": (BETA_MIN, BETA_MAX),
        "margin": (-MARGIN_MAX, MARGIN_MAX),
    }[parameter]
    to = checks.real("to", to, at_least=low, at_most=high)
    if parameter == "beta" and beta is None:
        raise InvalidInput("parameter = 'beta' needs potential = 'soft'; the hard core has no beta")
    point = branches.continuous(chain) if branch == "continuous" else branches.crystal(chain)
    if point.x.size == 0:
        raise InvalidInput(f"every layer of {chain.label} is liquid at alpha = {alpha:g}: nothing to follow")
    if to == _value(chain, parameter):
        raise InvalidInput(f"to = {to:g} is where the curve starts")
    return _follow(point, parameter, to)


def _follow(point: SaddlePoint, parameter: str, to: float) -> Curve:
    chain = point.chain
    scaled: Callable[[float], float] = float if parameter == "margin" else math.log
    plain: Callable[[float], float] = float if parameter == "margin" else math.exp
    start, end = scaled(_value(chain, parameter)), scaled(to)
    direction = 1 if end > start else -1
    reasons: dict[str, Callable[[Array, float], bool]] = {
        "the end asked for": lambda x, a: direction * (a - end) >= 0.0,
        "far back past its start": lambda x, a: direction * (a - start) < -max(abs(end - start), 1.0),
        "an overlap reaches 0": lambda x, a: float(np.min(x)) < _MELTED,
        "an overlap reaches 1": lambda x, a: chain.n == 0 and float(np.max(x)) > _SATURATED,
    }
    family = (
        branches.family(chain, point.support) if parameter == "alpha" else _family(point, parameter, plain)
    )
    path = trace(family, point.x, start, direction, lambda x, a: any(test(x, a) for test in reasons.values()))
    x, a = path.x[-1], float(path.a[-1])
    reason = next((name for name, test in reasons.items() if test(x, a)), "too many points")
    points = [
        SaddlePoint(_moved(chain, parameter, plain(float(a))), point.support, x, Certificate(0.0, 0))
        for x, a in zip(path.x, path.a, strict=True)
    ]
    return Curve(
        parameter=parameter,
        values=np.array([plain(float(a)) for a in path.a]),
        q=np.array([here.overlaps.q for here in points]),
        Q=np.array([here.overlaps.Q for here in points]),
        entropy=np.array([here.entropy for here in points]),
        residual=np.array(
            [residual(here.x, here.chain.linearised(here.support, here.x).image.value) for here in points]
        ),
        folds=tuple(plain(fold.a) for _, fold in path.folds),
        fold_after=tuple(index for index, _ in path.folds),
        reason=reason,
    )


def _value(chain: Chain, parameter: str) -> float:
    return float(chain.alpha if parameter == "alpha" else getattr(chain.potential, parameter))


def _moved(chain: Chain, parameter: str, value: float) -> Chain:
    """The chain at another value of one parameter."""
    if parameter == "alpha":
        return replace(chain, alpha=value)
    if not isinstance(chain.potential, HardCore | SoftCore):
        raise InvalidInput(f"a {chain.potential.name} potential cannot be moved in {parameter}")
    changed = {parameter: value}
    return replace(chain, potential=replace(chain.potential, **changed))  # type: ignore[arg-type]


def _family(point: SaddlePoint, parameter: str, plain: Callable[[float], float]) -> Family:
    """The equations in ln beta or the margin; their derivative in it by central differences."""

    def local(x: Array, a: float) -> Local:
        here, up, down = (
            _moved(point.chain, parameter, plain(a + shift)).linearised(point.support, x).image
            for shift in (0.0, _DIFFERENCE, -_DIFFERENCE)
        )
        return Local(here.value - x, here.jacobian, (up.value - down.value) / (2.0 * _DIFFERENCE))

    return local
