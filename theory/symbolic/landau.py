# mypy: disable-error-code="import-untyped"
"""The Landau expansion of a deep perceptron, and the transitions that follow from it.

The replica-symmetric functional of the note (sections 2 and 6), per ``N M`` and per replica,

    s = sum_l bond(Q_l)/alpha + sum_l interaction_l + sum_hidden { neuron_l + (1/2 - n) eps_l q_l }

is expanded to a given total degree in the overlaps q_l (hidden layers), Q_l and the fields eps_l, with
``q_0 = q_L = 1``. Gaussian closure: ``lambda_l = q_{l-1} Q_l q_l``, interaction and neuron apart. Site
closure: ``lambda_l = q_{l-1} Q_l`` and one joint term per hidden layer; only the output keeps
``A[q_{L-1} Q_L]``. Random is n = 0, teacher-student n = 1 (:mod:`theory.symbolic.series`).

Nothing below is typed in: a transition is where the quadratic part loses its definiteness, and the
slope of the overlap above it is the ratio of the quadratic part's drift to the cubic part, both along
the critical direction.
"""

from collections.abc import Iterable
from typing import NamedTuple

import sympy as sp

from deepglass import checks
from theory.symbolic.series import (
    EPS,
    KAPPA,
    LAMBDA,
    MILLS,
    Q_WEIGHT,
    bond_series,
    interaction_series,
    mills_ratio,
    neuron_series,
    site_series,
    site_slope,
)

__all__ = ["Transition", "amplitude", "freezing", "functional", "stationarity", "transition"]

REPLICAS = {"random": 0, "teacher-student": 1}
CLOSURES = ("gaussian", "site")
ZERO = sp.Integer(0)
ALPHA = sp.Symbol("alpha", positive=True)
Q_BELOW, Q_ABOVE = sp.symbols("q_below q_above", nonnegative=True)

_UNIT = sp.Symbol("x", positive=True)
"""``alpha w(0)^2``: the storage ratio in units of the first transition of a gaussian chain, L >= 3."""


class Transition(NamedTuple):
    """``alpha`` (exact) at which the hidden ``layers`` leave the liquid."""

    alpha: sp.Expr
    layers: tuple[int, ...]


class _Block(NamedTuple):
    """A hidden layer and the variables that the quadratic part couples to it; unstable from _UNIT = root."""

    layer: int
    variables: tuple[sp.Symbol, ...]
    root: sp.Expr


def _checked(scenario: str, closure: str) -> tuple[int, bool]:
    """The number of replicas, and whether the closure is the site one."""
    n = REPLICAS[checks.one_of("scenario", scenario, REPLICAS)]
    return n, checks.one_of("closure", closure, CLOSURES) == "site"


def overlap(layer: int) -> sp.Symbol:
    """The symbol ``q_l`` of a hidden layer."""
    return sp.Symbol(f"q_{layer}", nonnegative=True)


def weight_overlap(layer: int) -> sp.Symbol:
    """The symbol ``Q_l`` of a weight layer."""
    return sp.Symbol(f"Q_{layer}", nonnegative=True)


def field(layer: int) -> sp.Symbol:
    """The symbol ``eps_l`` of a hidden layer."""
    return sp.Symbol(f"epsilon_{layer}", nonnegative=True)


def small_symbols(depth: int) -> tuple[sp.Symbol, ...]:
    """All unknowns of a chain: ``Q_1..Q_L``, ``q_1..q_{L-1}``, ``eps_1..eps_{L-1}``."""
    hidden = range(1, depth)
    weights = [weight_overlap(layer) for layer in range(1, depth + 1)]
    return (*weights, *map(overlap, hidden), *map(field, hidden))


def truncate(expression: sp.Expr, symbols: Iterable[sp.Symbol], order: int) -> sp.Expr:
    """The part of total degree <= order in the symbols."""
    generators = tuple(symbols)
    terms = sp.Poly(expression, *generators).terms()
    kept = (
        c * sp.prod(s**p for s, p in zip(generators, powers, strict=True))
        for powers, c in terms
        if sum(powers) <= order
    )
    return sp.expand(sum(kept))


def functional(depth: int, scenario: str, closure: str, order: int = 3) -> sp.Expr:
    """The functional to total degree ``order`` in :func:`small_symbols`; also of ALPHA, KAPPA, MILLS."""
    n, joint = _checked(scenario, closure)
    depth = checks.integer("depth", depth, 1)

    def q(layer: int) -> sp.Expr:
        return overlap(layer) if 0 < layer < depth else sp.Integer(1)

    bond, gap = bond_series(order, n), interaction_series(order, n)
    neuron, site = neuron_series(order, n), site_series(order, n)
    total = ZERO
    for layer in range(1, depth + 1):
        Q, q_in, q_out = weight_overlap(layer), q(layer - 1), q(layer)
        eps, hidden = field(layer), layer < depth
        total += bond.subs(Q_WEIGHT, Q) / ALPHA
        if hidden:
            total += (sp.Rational(1, 2) - n) * eps * q_out
        if joint and hidden:
            total += site.subs({LAMBDA: q_in * Q, EPS: eps})
        else:
            total += gap.subs(LAMBDA, q_in * Q * q_out)
            total += neuron.subs(EPS, eps) if hidden else 0
    return truncate(sp.expand(total), small_symbols(depth), order)


def stationarity(depth: int, scenario: str, closure: str, order: int = 3) -> dict[sp.Symbol, sp.Expr]:
    """The gradient of :func:`functional`, by unknown: all vanish at a saddle point."""
    expression = functional(depth, scenario, closure, order)
    return {symbol: sp.diff(expression, symbol) for symbol in small_symbols(depth)}


def _surroundings(scenario: str, closure: str) -> tuple[sp.Expr, tuple[sp.Symbol, ...]]:
    """Quadratic functional of one liquid layer between neighbours of any overlap, and its unknowns.

    The layer is number 1; its neighbours have overlaps Q_BELOW and Q_ABOVE and are otherwise unmoved.
    """
    n, joint = _checked(scenario, closure)
    q, eps, Q_in, Q_out = overlap(1), field(1), weight_overlap(1), weight_overlap(2)
    bond = bond_series(2, n)
    total = (bond.subs(Q_WEIGHT, Q_in) + bond.subs(Q_WEIGHT, Q_out)) / ALPHA
    total += (sp.Rational(1, 2) - n) * eps * q
    if joint:
        total += site_series(2, n).subs({LAMBDA: Q_BELOW * Q_in, EPS: eps})
        total += site_slope(n, Q_ABOVE) * q * Q_out
    else:
        gap = interaction_series(2, n)
        total += gap.subs(LAMBDA, Q_BELOW * Q_in * q) + gap.subs(LAMBDA, q * Q_out * Q_ABOVE)
        total += neuron_series(2, n).subs(EPS, eps)
    unknowns = (Q_in, Q_out, q, eps)
    return truncate(sp.expand(total), unknowns, 2), unknowns


def freezing(scenario: str, closure: str, margin: sp.Expr = ZERO) -> sp.Expr:
    """What reaches 1 where a layer next to frozen neighbours freezes, in ALPHA, Q_BELOW and Q_ABOVE.

    It is ``1 - det(H)/det(H without coupling)``, H the Hessian of the layer's own unknowns. A liquid
    neighbour has overlap 0, the boundary 1. MILLS is left a symbol.
    """
    quadratic, unknowns = _surroundings(scenario, closure)
    determinant = sp.hessian(quadratic, unknowns).det()
    growth = sp.expand(1 - determinant / determinant.subs(MILLS, 0))
    return sp.factor(growth.subs(KAPPA, margin))


def _components(hessian: sp.Matrix) -> list[list[int]]:
    """Sets of indices that the non-zero entries of a symmetric matrix connect."""
    left, components = set(range(hessian.rows)), []
    while left:
        found, frontier = set(), {min(left)}
        while frontier:
            found |= frontier
            frontier = {j for i in frontier for j in left if hessian[i, j] != 0} - found
        left -= found
        components.append(sorted(found))
    return components


def _value(expression: sp.Expr, margin: sp.Expr) -> sp.Expr:
    """An expression in MILLS and KAPPA at a margin; simplified at margin 0 only, where it becomes short."""
    value = expression.subs(KAPPA, margin).subs(MILLS, mills_ratio(margin))
    return sp.simplify(value) if margin == 0 else value


def _number(expression: sp.Expr, margin: sp.Expr) -> sp.Expr:
    """30 digits of an expression in MILLS and KAPPA, at margin 1/2 if the margin is a symbol."""
    at = margin if margin.is_number else sp.Rational(1, 2)
    return sp.N(expression.subs(KAPPA, at).subs(MILLS, mills_ratio(at)), 30)


def _threshold(hessian: sp.Matrix, margin: sp.Expr) -> sp.Expr | None:
    """The smallest x > 0 at which a block is singular, in MILLS and KAPPA; None if there is none."""
    determinant = sp.together(hessian.det().subs(ALPHA, _UNIT / MILLS**4))
    roots = sp.roots(sp.Poly(sp.numer(determinant), _UNIT))
    numbers = {root: _number(root, margin) for root in roots}
    positive = [root for root, value in numbers.items() if value.is_real and value > 0]
    return min(positive, key=numbers.__getitem__) if positive else None


def _first_blocks(depth: int, scenario: str, closure: str, margin: sp.Expr) -> list[_Block]:
    """The blocks of the quadratic functional that turn unstable first, as alpha grows."""
    unknowns = small_symbols(checks.integer("depth", depth, 2))
    hessian = sp.hessian(functional(depth, scenario, closure, 2), unknowns)
    if margin == 0:
        hessian = hessian.subs(KAPPA, 0)
    layers = {overlap(layer): layer for layer in range(1, depth)}
    blocks = []
    for component in _components(hessian):
        variables = tuple(unknowns[i] for i in component)
        inside = [layers[v] for v in variables if v in layers]
        root = _threshold(hessian.extract(component, component), margin) if inside else None
        if root is not None:
            blocks.append(_Block(inside[0], variables, root))
    numbers = [_number(block.root, margin) for block in blocks]
    return [block for block, v in zip(blocks, numbers, strict=True) if abs(v / min(numbers) - 1) < 1e-20]


def transition(depth: int, scenario: str, closure: str, margin: sp.Expr = ZERO) -> Transition:
    """The first instability of the liquid (all overlaps zero): exact alpha, and the layers that freeze.

    ``depth`` >= 2: a single perceptron has no hidden layer. ``margin``: a sympy number, or KAPPA.
    """
    first = _first_blocks(depth, scenario, closure, margin)
    return Transition(_value(first[0].root / MILLS**4, margin), tuple(block.layer for block in first))


def amplitude(depth: int, scenario: str, closure: str, margin: sp.Expr = ZERO) -> dict[int, sp.Expr]:
    """The slope ``dq_l/dalpha`` just above the first transition, for each layer that freezes there.

    Along the critical direction v (q_l = 1) the functional is ``(alpha - alpha_c) c^2 D/2 + c^3 C`` with
    D the drift of the Hessian and C the cubic part, hence ``q_l = -(alpha - alpha_c) D/(3 C)``. A positive
    slope is a continuous transition; a negative one would be a jump. Blocks that freeze together do not meet
    in the cubic part (between hidden layers it contains a weight overlap that is of second order).
    """
    expression = functional(depth, scenario, closure, 3)
    slopes = {}
    for block in _first_blocks(depth, scenario, closure, margin):
        apart = expression.subs({s: 0 for s in small_symbols(depth) if s not in block.variables})
        apart = apart.subs(KAPPA, 0) if margin == 0 else apart
        apart = apart.subs(ALPHA, _UNIT / MILLS**4)
        hessian = sp.hessian(truncate(apart, block.variables, 2), block.variables)
        direction = _critical_direction(hessian, block)
        drift = (direction.T * hessian.diff(_UNIT) * direction)[0, 0] * MILLS**4
        cubic = apart - truncate(apart, block.variables, 2)
        along = cubic.subs(dict(zip(block.variables, direction, strict=True)), simultaneous=True)
        slopes[block.layer] = _value(sp.cancel(-drift / (3 * along)).subs(_UNIT, block.root), margin)
    return slopes


def _critical_direction(singular: sp.Matrix, block: _Block) -> sp.Matrix:
    """The null vector of a block's Hessian with ``q_l = 1``, by the equations other than that of q_l.

    The storage ratio may still be a symbol: that equation is the one that fixes it.
    """
    at = block.variables.index(overlap(block.layer))
    others = [i for i in range(len(block.variables)) if i != at]
    solution = singular.extract(others, others).LUsolve(-singular.extract(others, [at])).applyfunc(sp.cancel)
    return sp.Matrix([*solution[:at], 1, *solution[at:]])
