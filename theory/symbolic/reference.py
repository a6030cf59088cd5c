# mypy: disable-error-code="import-untyped"
"""The replica-symmetric equations solved to 30 digits: what the float solvers are tested against.

Written anew from sections 3 and 6 of the replica theory (docs/theory.md) with nothing of the float
implementation: :mod:`theory.symbolic.averages` for the averages, Newton steps with a finite-difference
Jacobian for the equations. Hard core at any margin.

``python -m theory.symbolic.reference`` prints the table that the tests read, as JSON.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from mpmath import mp

from deepglass import checks
from deepglass.errors import NotConverged
from theory.symbolic.averages import LOW, Number, gap, neuron, site

__all__ = ["Solution", "gardner_capacity", "solve"]

GUARD = 10
"""Digits carried beyond those asked for."""

SCENARIOS = ("random", "teacher-student")
CLOSURES = ("gaussian", "site")

_SWEEPS = 400
_STEPS = 30
_CLOSE = 1e-3


class Solution(NamedTuple):
    """A saddle point. ``Q``: weight layers 1..L; ``q``, ``eps``: hidden layers 1..L-1.

    ``entropy`` per N M (of the student for teacher-student). ``residual``: largest change of any overlap
    under the undamped equations, relative to one minus it (it bounds the absolute one).
    """

    Q: tuple[Number, ...]
    q: tuple[Number, ...]
    eps: tuple[Number, ...]
    entropy: Number
    residual: Number


class _Chain(NamedTuple):
    """A problem: ``n`` = 0 for random, 1 for teacher-student; ``site`` selects the closure."""

    n: int
    depth: int
    alpha: Number
    margin: Number
    site: bool


class _Fields(NamedTuple):
    """What the overlaps imply: w (or W) and average log weight of the gap per weight layer,
    field, overlap and average log weight of the neuron per hidden layer.

    In the site closure the log weights of neuron and gap are one, kept with the neuron.
    """

    w: list[Number]
    gap: list[Number]
    eps: list[Number]
    q: list[Number]
    neuron: list[Number]


def gardner_capacity(margin: Number, digits: int = 30) -> Number:
    """``1/INT_{-margin}^inf Dt (t + margin)^2 = 1/[(1 + k^2) Phi(k) + k phi(k)]`` (E. Gardner 1988)."""
    with mp.workdps(digits + GUARD):
        k = mp.mpf(margin)
        return 1 / ((1 + k * k) * mp.ncdf(k) + k * mp.npdf(k))


def _fields(chain: _Chain, Q: Sequence[Number], q: Sequence[Number]) -> _Fields:
    """All averages that the overlaps imply, in either closure."""
    q_in, q_out = [mp.mpf(1), *q], [*q, mp.mpf(1)]
    if not chain.site:
        gaps = [gap(a * b * c, chain.margin, chain.n) for a, b, c in zip(q_in, Q, q_out, strict=True)]
        w = [g.w for g in gaps]
        hidden = range(chain.depth - 1)
        eps = [q_in[i] * Q[i] * w[i] + Q[i + 1] * q_out[i + 1] * w[i + 1] for i in hidden]
        neurons = [neuron(e, chain.n) for e in eps]
        return _Fields(w, [g.log for g in gaps], eps, [a.q for a in neurons], [a.log for a in neurons])
    # The neuron's field comes from downstream only: from the output back to the input.
    output = gap(q_in[-1] * Q[-1], chain.margin, chain.n)
    fields = _Fields([output.w], [output.log], [], [], [])
    for i in reversed(range(chain.depth - 1)):
        fields.eps.insert(0, Q[i + 1] * fields.w[0])
        found = site(q_in[i] * Q[i], fields.eps[0], chain.margin, chain.n)
        fields.w.insert(0, found.w)
        fields.q.insert(0, found.q)
        fields.neuron.insert(0, found.log)
    return fields


def _image(chain: _Chain, x: Sequence[Number]) -> list[Number]:
    """One undamped map of ``(Q_1..Q_L, q_1..q_{L-1})``: ``Q/(1-Q)^(2-n) = alpha q_{l-1} q_l w`` and q.

    In the site closure ``alpha q_{l-1} W`` replaces it in hidden layers.
    """
    Q, q = list(x[: chain.depth]), list(x[chain.depth :])
    fields = _fields(chain, Q, q)
    outer = [mp.mpf(1)] * chain.depth if chain.site else [*q, mp.mpf(1)]
    weights = []
    for inner, out, w in zip([mp.mpf(1), *q], outer, fields.w, strict=True):
        p = chain.alpha * inner * out * w
        weights.append(p / (1 + p) if chain.n else 1 - 2 / (1 + mp.sqrt(1 + 4 * p)))
    return weights + fields.q


def _entropy(chain: _Chain, fields: _Fields, Q: Sequence[Number], q: Sequence[Number]) -> Number:
    """The functional at the saddle point, per N M (note, end of the two lists of section 3; section 6)."""
    n = chain.n
    bonds = mp.fsum(mp.ln(1 - o) + (o if n else o / (1 - o)) for o in Q) / (2 * chain.alpha)
    conjugate = mp.fsum(e * (1 + o if n else 1 - o) for e, o in zip(fields.eps, q, strict=True)) / 2
    return bonds + mp.fsum(fields.gap) + mp.fsum(fields.neuron) - conjugate


def _residual(x: Sequence[Number], image: Sequence[Number]) -> Number:
    return max(abs(a - b) / (1 - b) for a, b in zip(image, x, strict=True))


def _shift(chain: _Chain, x: Sequence[Number]) -> Any:
    return mp.matrix(_image(chain, x)) - mp.matrix(x)


def _jacobian(chain: _Chain, x: Sequence[Number], shift: Any) -> Any:
    """Derivatives of F(x) - x by forward differences at the current precision."""
    step = mp.sqrt(mp.eps)
    columns = [_shift(chain, [b + step * (i == j) for j, b in enumerate(x)]) for i in range(len(x))]
    size = range(len(x))
    return mp.matrix([[(columns[j][i] - shift[i]) / step for j in size] for i in size])


def _approach(chain: _Chain, x: Sequence[Number]) -> tuple[list[Number], Any]:
    """From a start to 15 digits, and the Jacobian there (to 7): plain iteration, then Newton steps."""
    for _ in range(_SWEEPS):
        image = _image(chain, x)
        moved, x = _residual(x, image), image
        if moved < _CLOSE:
            break
    for _ in range(_STEPS):
        shift = _shift(chain, x)
        jacobian = _jacobian(chain, x, shift)
        step = mp.lu_solve(jacobian, shift)
        x = [a - b for a, b in zip(x, step, strict=True)]
        if mp.norm(step, mp.inf) < 1e-10:
            return x, jacobian
    raise NotConverged(f"no saddle point within {_SWEEPS} sweeps and {_STEPS} Newton steps of the start")


def solve(
    scenario: str,
    depth: int,
    alpha: float,
    margin: float = 0.0,
    closure: str = "gaussian",
    start: float | Sequence[float] = 0.1,
    digits: int = 30,
) -> Solution:
    """The saddle point that plain iteration from ``start`` leads to, to that many digits.

    ``start``: ``(Q_1..Q_L, q_1..q_{L-1})``, or one number for all of them (0.999 for a crystal). All layers
    must be frozen: a liquid one is exactly 0, which digits cannot show. ``alpha`` and ``margin`` are taken
    as the doubles they are. Raises NotConverged if the residual stays above ``10^-(digits + 5)``.
    """
    n = SCENARIOS.index(checks.one_of("scenario", scenario, SCENARIOS))
    joint = checks.one_of("closure", closure, CLOSURES) == "site"
    depth = checks.integer("depth", depth, 1)
    x = list(start) if isinstance(start, Sequence) else [start] * (2 * depth - 1)

    def chain() -> _Chain:
        return _Chain(n, depth, mp.mpf(alpha), mp.mpf(margin), joint)

    with mp.workdps(LOW):
        x, jacobian = _approach(chain(), [mp.mpf(value) for value in x])
    with mp.workdps(digits + GUARD):
        for _ in range(_STEPS):
            image = _image(chain(), x)
            residual = _residual(x, image)
            if residual < mp.mpf(10) ** (-digits - GUARD // 2):
                break
            # The Jacobian is right to 7 digits: each step gains as many.
            step = mp.lu_solve(jacobian, mp.matrix(image) - mp.matrix(x))
            x = [a - b for a, b in zip(x, step, strict=True)]
        else:
            raise NotConverged(f"residual {mp.nstr(residual, 3)} after {_STEPS} steps")
        Q, q = x[:depth], x[depth:]
        fields = _fields(chain(), Q, q)
        return Solution(tuple(Q), tuple(q), tuple(fields.eps), _entropy(chain(), fields, Q, q), residual)


class Point(NamedTuple):
    """A row of the table: what is solved, from where. ``branch`` is what the float solver calls it."""

    scenario: str
    depth: int
    alpha: float
    margin: float = 0.0
    closure: str = "gaussian"
    branch: str = "continuous"

    def solve(self, digits: int = 30) -> Solution:
        """The solution of this row."""
        start = 0.999 if self.branch == "crystal" else 0.1
        return solve(self.scenario, self.depth, self.alpha, self.margin, self.closure, start, digits)

    def row(self, digits: int = 30) -> dict[str, Any]:
        """What is asked and what is found, numbers as decimal strings."""

        def text(values: Sequence[Number]) -> list[str]:
            return [mp.nstr(value, digits) for value in values]

        found = self.solve(digits)
        with mp.workdps(digits + GUARD):
            return {
                **self._asdict(),
                "Q": text(found.Q),
                "q": text(found.q),
                "eps": text(found.eps),
                "entropy": mp.nstr(found.entropy, digits),
            }


POINTS = (
    Point("random", 1, 1.5),
    Point("random", 1, 0.5, 0.5),
    Point("random", 2, 4.0),
    Point("random", 2, 40.0),
    Point("random", 2, 1.0, 0.5),
    Point("random", 3, 6.0),
    Point("random", 3, 50.0),
    Point("random", 3, 3.0, 0.5),
    Point("teacher-student", 1, 4.0),
    Point("teacher-student", 1, 3.0, 0.5),
    Point("teacher-student", 2, 4.0),
    Point("teacher-student", 2, 9.9375),
    Point("teacher-student", 2, 9.9375, branch="crystal"),
    Point("teacher-student", 2, 1.0, 0.5),
    Point("teacher-student", 3, 6.0),
    Point("teacher-student", 3, 20.0),
    Point("teacher-student", 3, 20.0, branch="crystal"),
    Point("teacher-student", 3, 2.0, 0.5),
    Point("random", 2, 2.0, closure="site"),
    Point("random", 2, 4.0, closure="site"),
    Point("random", 2, 1.0, 0.5, closure="site"),
    Point("teacher-student", 2, 2.0, closure="site"),
    Point("teacher-student", 2, 4.0, closure="site"),
    Point("teacher-student", 2, 1.0, 0.5, closure="site"),
)
MARGINS = (-1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0)


def main() -> None:
    """Print the table."""
    capacities = [{"margin": k, "capacity": mp.nstr(gardner_capacity(k), 30)} for k in MARGINS]
    table = {"digits": 30, "solutions": [point.row() for point in POINTS], "gardner": capacities}
    json.dump(table, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
