"""The Landau expansion: its coefficients, its gradient, the transitions and slopes derived from it."""

import math

import pytest
import sympy as sp
from mpmath import mp
from sympy.polys.ring_series import rs_mul, rs_series_inversion
from sympy.polys.rings import ring

from deepglass.errors import InvalidInput
from theory import solve_profile
from theory.symbolic import averages, landau, series
from theory.symbolic.landau import ALPHA, Q_ABOVE, Q_BELOW
from theory.symbolic.series import EPS, KAPPA, LAMBDA, MILLS

SCENARIOS = ("random", "teacher-student")
HALF = sp.Rational(1, 2)
GOLDEN = (sp.sqrt(5) - 1) / 2


def at_margin(expression, margin):
    return expression.subs(KAPPA, margin).subs(MILLS, series.mills_ratio(margin))


# Coefficients


@pytest.mark.parametrize("n", [0, 1])
def test_interaction_at_zero_overlap_is_the_squared_mills_ratio(n):
    slope = (2 * n - 1) * 2 * series.interaction_series(2, n).diff(LAMBDA).subs(LAMBDA, 0)
    assert slope == MILLS**2
    assert sp.simplify(series.mills_ratio(sp.Integer(0)) ** 2) == 2 / sp.pi
    w = float(at_margin(slope, HALF))
    assert w == pytest.approx((math.exp(-1 / 8) / math.sqrt(2 * math.pi) / (math.erfc(8**-0.5) / 2)) ** 2)


@pytest.mark.parametrize(
    ("n", "margin"),
    [
        (0, HALF),
        pytest.param(0, 0, marks=pytest.mark.slow),
        pytest.param(1, HALF, marks=pytest.mark.slow),
        pytest.param(1, 0, marks=pytest.mark.slow),
    ],
)
def test_series_are_those_of_the_integrals(n, margin):
    """Truncated at order k, a series misses its integral (by mpmath) by less than small^(k+1)."""
    small = 0.01
    with mp.workdps(15):
        lam, eps, kappa = mp.mpf(small), mp.mpf(small), mp.mpf(float(margin))
        integrals = {
            series.interaction_series: averages.gap(lam, kappa, n).log,
            series.neuron_series: averages.neuron(eps, n).log - eps / 2,
            series.site_series: averages.site(lam, eps, kappa, n).log - eps / 2,
        }
        for expand, value in integrals.items():
            numbers = {LAMBDA: small, EPS: small, KAPPA: margin, MILLS: series.mills_ratio(margin)}
            terms = [float(expand(order, n).subs(numbers).evalf()) for order in (3, 4)]
            assert abs(terms[1] - value) < 200 * small**5 + 1e-14
            assert 1e-13 < abs(terms[0] - value) < 100 * small**4


@pytest.mark.parametrize("n", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_site_slope_beside_a_frozen_neighbour(n):
    """First order in lambda at a field that is not small."""
    with mp.workdps(15):
        eps, lam = mp.mpf(2), mp.mpf(1e-6)
        free = averages.neuron(eps, n)
        rise = (averages.site(lam, eps, mp.mpf(0.5), n).log - free.log - mp.ln(mp.ncdf(-0.5))) / lam
        expected = at_margin(series.site_slope(n, sp.Float(float(free.q))), HALF)
        assert float(rise) == pytest.approx(float(expected), rel=1e-5)


# The gradient of the expanded functional against the expanded equations of the replica theory


# In powers of b sqrt(overlap): t = sqrt(lambda), s = sqrt(eps); k margin, r = phi(k)/Phi(-k).
RING, B, T, S, Z, Y, K, R = ring("b t s z y k r", sp.QQ)


def averaged(polynomial):
    """``INT Dz Dy``."""
    generators = sp.symbols("z y")
    values = {"b": 1, "t": sp.sqrt(LAMBDA), "s": sp.sqrt(EPS), "k": KAPPA, "r": MILLS}
    terms = sp.Poly(polynomial.as_expr().subs(values), *generators).terms()
    moments = [c * math.prod(0 if p % 2 else sp.factorial2(p - 1) for p in powers) for powers, c in terms]
    return sp.expand(sum(moments))


def hermite(j, x):
    """He_j by its closed sum (the package uses the recursion)."""
    terms = range(j // 2 + 1)
    return sum(
        (-1) ** i
        * sp.QQ(math.factorial(j), math.factorial(i) * math.factorial(j - 2 * i) * 2**i)
        * x ** (j - 2 * i)
        for i in terms
    )


def powers_of(x, coefficients, prec):
    """``sum_j coefficients[j] x^j``, truncated."""
    total, power = RING(0), RING(1)
    for c in coefficients:
        total, power = total + c * power, rs_mul(power, x, B, prec)
    return total


def volume_and_density(sign, prec):
    """Phi(u)/Phi(-k), phi(u)/Phi(-k) and 1/sqrt(1 - lambda), by Taylor's formula around u = -k."""
    inverse_width = sum(sp.QQ(math.comb(2 * j, j), 4**j) * (B * T) ** (2 * j) for j in range(prec // 2 + 1))
    step = rs_mul(sign * B * T * Z - K, inverse_width, B, prec) + K
    slopes = [R * hermite(j, K) for j in range(prec)]
    density = powers_of(step, [c / math.factorial(j) for j, c in enumerate(slopes)], prec)
    cumulative = powers_of(step, [1, *(c / math.factorial(j + 1) for j, c in enumerate(slopes))], prec)
    return cumulative, density, inverse_width


def exponential(h, prec):
    return powers_of(h, [sp.QQ(1, math.factorial(j)) for j in range(prec)], prec)


def ratio(a, b, prec):
    return rs_mul(a, rs_series_inversion(b, B, prec), B, prec)


def interaction(n, degree):
    """w0 or w1 of section 3, expanded from its integral."""
    prec = 2 * degree + 1
    cumulative, density, inverse_width = volume_and_density(1, prec)
    slope = rs_mul(ratio(density, cumulative, prec), inverse_width, B, prec)
    square = rs_mul(slope, slope, B, prec)
    return averaged(rs_mul(square, cumulative, B, prec) if n else square)


def neuron(n, degree):
    """q of section 3, expanded from its integral."""
    prec = 2 * degree + 1
    h = n * (B * S) ** 2 + B * S * Y
    up, down = exponential(h, prec), exponential(-h, prec)
    tangent = ratio((up - down) / 2, (up + down) / 2, prec)
    return averaged(tangent if n else rs_mul(tangent, tangent, B, prec))


def site(n, degree):
    """W and q of section 6, expanded from their integrals; a margin acts on both outputs."""
    prec = 2 * degree + 1
    h = n * (B * S) ** 2 + B * S * Y
    (plus, rise, inverse_width), (minus, fall, _) = (volume_and_density(sign, prec) for sign in (1, -1))
    up, down = exponential(h, prec), exponential(-h, prec)
    a, b = rs_mul(up, plus, B, prec), rs_mul(down, minus, B, prec)
    partition = (a + b) / 2
    m = ratio((a - b) / 2, partition, prec)
    slope = rs_mul(up, rise, B, prec) - rs_mul(down, fall, B, prec)
    slope = ratio(rs_mul(slope, inverse_width, B, prec) / 2, partition, prec)
    tilt = plus if n else RING(1)
    squares = (rs_mul(x, x, B, prec) for x in (slope, m))
    return tuple(averaged(rs_mul(tilt, square, B, prec)) for square in squares)


def equations(depth, n, closure, degree):
    """Sections 3 and 6: the gradient as the note states it, signs included, before truncation."""
    symbols = range(1, depth)
    q = [sp.Integer(1), *map(landau.overlap, symbols), sp.Integer(1)]
    Q = [None, *map(landau.weight_overlap, range(1, depth + 1))]
    eps = [None, *map(landau.field, symbols)]
    plain = interaction(n, max(1, degree // 3))
    sign = HALF if n == 0 else -HALF
    if closure == "gaussian":
        force = [None] + [plain.subs(LAMBDA, q[i - 1] * Q[i] * q[i]) for i in range(1, depth + 1)]
        push = [None] + [q[i - 1] * q[i] * force[i] for i in range(1, depth + 1)]
        answer = neuron(n, degree)
        means = {i: answer.subs(EPS, eps[i]) for i in symbols}
        fields = {i: q[i - 1] * Q[i] * force[i] + Q[i + 1] * q[i + 1] * force[i + 1] for i in symbols}
    else:
        slope, answer = site(n, degree)
        point = {i: {LAMBDA: q[i - 1] * Q[i], EPS: eps[i]} for i in symbols}
        force = (
            [None] + [slope.subs(point[i]) for i in symbols] + [plain.subs(LAMBDA, q[depth - 1] * Q[depth])]
        )
        push = [None] + [q[i - 1] * force[i] for i in range(1, depth + 1)]
        means = {i: answer.subs(point[i]) for i in symbols}
        fields = {i: Q[i + 1] * force[i + 1] for i in symbols}
    expected = {}
    for i in range(1, depth + 1):
        bond = sp.series(Q[i] / (1 - Q[i]) ** (2 - n), Q[i], 0, degree + 1).removeO()
        expected[Q[i]] = sign * (bond / ALPHA - push[i])
    for i in symbols:
        expected[q[i]] = sign * (eps[i] - fields[i])
        expected[eps[i]] = sign * (q[i] - means[i])
    return expected


@pytest.mark.parametrize(
    ("closure", "order", "n"),
    [
        ("gaussian", 5, 0),
        ("site", 4, 1),
        pytest.param("gaussian", 5, 1, marks=pytest.mark.slow),
        pytest.param("site", 4, 0, marks=pytest.mark.slow),
    ],
)
def test_gradient_is_the_saddle_point_residual(n, closure, order):
    """Exact in the margin. At order 5 the gaussian closure shows w to first order in lambda."""
    depth = 3
    unknowns = landau.small_symbols(depth)
    gradient = landau.stationarity(depth, SCENARIOS[n], closure, order)
    expected = equations(depth, n, closure, order - 1)
    assert set(gradient) == set(expected) == set(unknowns)
    for symbol, derivative in gradient.items():
        target = landau.truncate(expected[symbol], unknowns, order - 1)
        assert sp.expand(derivative - target) == 0, symbol


# Transitions


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(
    ("closure", "depth", "alpha", "layers"),
    [
        ("gaussian", 2, sp.pi**2 / 8, (1,)),
        ("gaussian", 3, sp.pi**2 / 4, (1, 2)),
        ("gaussian", 5, sp.pi**2 / 4, (1, 4)),
        ("site", 2, GOLDEN * sp.pi**2 / 4, (1,)),
        ("site", 3, sp.pi**2 / 4, (2,)),
        ("site", 5, sp.pi**2 / 4, (4,)),
    ],
)
def test_first_transition(scenario, closure, depth, alpha, layers):
    found = landau.transition(depth, scenario, closure)
    assert found.layers == layers
    assert sp.simplify(found.alpha - alpha) == 0


@pytest.mark.parametrize("scenario", ["random", pytest.param("teacher-student", marks=pytest.mark.slow)])
def test_transition_at_any_margin(scenario):
    """Gaussian: w(0)^2 sets the scale. Site: the first layer also answers to its own margin, kappa^2 w(0)."""
    w = series.mills_ratio(KAPPA) ** 2
    for depth, number in ((2, HALF), (4, sp.Integer(1))):
        assert sp.simplify(landau.transition(depth, scenario, "gaussian", KAPPA).alpha * w**2) == number
    alpha = landau.transition(2, scenario, "site", KAPPA).alpha
    x, y = alpha * w**2, alpha * KAPPA**2 * w
    for margin in (0, 0.5, 2.0, -0.4):
        assert abs(sp.N((x * (1 - y + x) - (1 - y)).subs(KAPPA, margin))) < 1e-12
        number = landau.transition(2, scenario, "site", sp.nsimplify(margin)).alpha
        assert float(number) == pytest.approx(float(alpha.subs(KAPPA, margin)), rel=1e-12)
    assert landau.transition(3, scenario, "site", HALF).layers == (2,)
    # A margin low enough: both outputs are allowed while the gap is small, and the first weights order alone.
    alone = landau.transition(3, scenario, "site", sp.Rational(-3, 2))
    assert alone.layers == (1,)
    assert float(alone.alpha * (w * KAPPA**2).subs(KAPPA, sp.Rational(-3, 2))) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_freezing_next_to_frozen_neighbours(scenario):
    w = MILLS**2
    x = ALPHA * w**2
    gaussian = landau.freezing(scenario, "gaussian", KAPPA)
    assert sp.expand(gaussian - x * (Q_BELOW**2 + Q_ABOVE**2)) == 0
    site = landau.freezing(scenario, "site")
    assert sp.expand(site - x * Q_ABOVE**2 * (1 + x * Q_BELOW**2)) == 0
    # A liquid layer below, and the input below.
    assert sp.expand(site.subs(Q_BELOW, 0) - x * Q_ABOVE**2) == 0
    assert sp.expand(site.subs(Q_BELOW, 1) - x * (1 + x) * Q_ABOVE**2) == 0
    # The boundaries as neighbours: the first transition.
    first = landau.transition(2, scenario, "site").alpha
    assert sp.simplify(at_margin(site.subs({Q_BELOW: 1, Q_ABOVE: 1}), 0).subs(ALPHA, first)) == 1


# Slopes above the transition

SLOPES = {
    ("gaussian", 2): 16 / (sp.pi**2 * (sp.pi + 4)),
    ("gaussian", 3): 4 / (sp.pi**2 * (sp.pi + 2)),
    ("gaussian", 4): 4 / (sp.pi**2 * (sp.pi + 2)),
    ("site", 2): 2 * (5 + 3 * sp.sqrt(5)) / (sp.pi**2 * (2 * sp.pi - 1 + 3 * sp.sqrt(5))),
    ("site", 3): 4 / (sp.pi**2 * (sp.pi + 2)),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(("closure", "depth"), SLOPES)
def test_slope_above_the_transition(scenario, closure, depth):
    """Exact, positive, twice as large with a teacher, and the one the float profile has."""
    first = landau.transition(depth, scenario, closure)
    slopes = landau.amplitude(depth, scenario, closure)
    assert tuple(slopes) == first.layers
    twice = 2 if scenario == "teacher-student" else 1
    for layer, slope in slopes.items():
        assert sp.simplify(slope - twice * SLOPES[closure, depth]) == 0
        critical = float(first.alpha)
        steps = (1e-4, 2e-4)
        one, two = (
            solve_profile(scenario, depth, critical + step, closure=closure).q[layer] for step in steps
        )
        # The curvature drops out of this combination.
        assert (4 * one - two) / (2 * steps[0]) == pytest.approx(float(slope), rel=1e-6)


@pytest.mark.parametrize(
    ("closure", "depth", "margin"),
    [("gaussian", 2, HALF), pytest.param("site", 2, HALF, marks=pytest.mark.slow)],
)
def test_slope_at_a_margin(closure, depth, margin):
    first = float(landau.transition(depth, "random", closure, margin).alpha)
    slope = float(landau.amplitude(depth, "random", closure, margin)[1])
    one, two = (
        solve_profile("random", depth, first + step, float(margin), closure=closure).q[1]
        for step in (1e-5, 2e-5)
    )
    assert (4 * one - two) / 2e-5 == pytest.approx(slope, rel=1e-5)


def test_bad_input_is_named():
    with pytest.raises(InvalidInput, match="scenario"):
        landau.functional(2, "other", "gaussian")
    with pytest.raises(InvalidInput, match="closure"):
        landau.freezing("random", "other")
    with pytest.raises(InvalidInput, match="depth"):
        landau.transition(1, "random", "gaussian")
