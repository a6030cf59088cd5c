"""The chain: functional, map, Jacobian, linearisation, solver on plain maps."""

import numpy as np
import pytest
from scipy.special import expit

from deepglass.errors import NotConverged
from theory import measures
from theory.continuation import Local, find_fold
from theory.network import REPLICAS, Chain, Overlaps, Support
from theory.potentials import HardCore
from theory.solve import Image, fixed_point

SCENARIOS = tuple(REPLICAS)


def random_point(depth, seed):
    generator = np.random.default_rng(seed)
    q = np.concatenate([[1.0], generator.uniform(0.1, 0.9, depth - 1), [1.0]])
    return (
        q,
        generator.uniform(0.1, 0.9, depth),
        np.append(0, np.append(generator.uniform(0.2, 4.0, depth - 1), 0)),
    )


@pytest.mark.parametrize("margin", [-0.5, 0.0, 1.0])
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_stationarity_is_the_gradient_of_the_entropy(scenario, depth, margin):
    """At random points, not only at solutions: each equation with its sign."""
    alpha, n = 3.7, REPLICAS[scenario]
    sign = 1 - 2 * n
    chain = Chain(scenario, depth, alpha, HardCore(margin))
    q, Q, eps = random_point(depth, depth)

    def gradient(values, index, build):
        out = []
        for shift in (2e-4, 1e-4, -1e-4, -2e-4):
            moved = values.copy()
            moved[index] += shift
            out.append(chain.entropy(*build(moved)))
        return (-out[0] + 8 * out[1] - 8 * out[2] + out[3]) / (12 * 1e-4)

    point = Overlaps.of(q, Q)
    w = measures.interaction(chain.potential, point.product, point.product_complement, n).w
    for i in range(depth):
        left = Q[i] / (1 - Q[i]) ** 2 if n == 0 else Q[i] / (1 - Q[i])
        expected = sign * (left / alpha - q[i] * q[i + 1] * w[i]) / 2
        found = gradient(Q, i, lambda moved: (Overlaps.of(q, moved), eps))
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-9)
    for hidden in range(1, depth):
        field = q[hidden - 1] * Q[hidden - 1] * w[hidden - 1] + Q[hidden] * q[hidden + 1] * w[hidden]
        found = gradient(q, hidden, lambda moved: (Overlaps.of(moved, Q), eps))
        assert found == pytest.approx(sign * (eps[hidden] - field) / 2, rel=1e-8, abs=1e-9)
        answer = expit(measures.neuron(eps[[hidden]], n).logit[0])
        found = gradient(eps, hidden, lambda moved: (point, moved))
        assert found == pytest.approx(sign * (q[hidden] - answer) / 2, rel=1e-8, abs=1e-9)


@pytest.mark.parametrize(
    "hidden", [(True, True, True, True), (True, False, False, True), (False, True, True, False)]
)
@pytest.mark.parametrize("scale", [1.0, 4.0])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_jacobian_is_the_derivative_of_the_map(scenario, scale, hidden):
    chain, support = Chain(scenario, 5, 6.0, HardCore(0.3)), Support(hidden)
    size = int(support.unknowns.sum())
    x = scale * np.random.default_rng(3).normal(size=size)
    found = chain.linearised(support, x)
    assert np.all(found.image.jacobian >= 0.0)
    step = 1e-4
    for j in range(size):
        move = step * np.eye(size)[j]
        values = [chain.linearised(support, x + k * move).image.value for k in (2, 1, -1, -2)]
        numeric = (-values[0] + 8 * values[1] - 8 * values[2] + values[3]) / (12 * step)
        np.testing.assert_allclose(found.image.jacobian[:, j], numeric, rtol=1e-8, atol=1e-9)
    up, down = (
        Chain(scenario, 5, 6.0 * np.exp(k * step), HardCore(0.3)).linearised(support, x).image.value
        for k in (1, -1)
    )
    np.testing.assert_allclose(found.alpha_slope, (up - down) / (2 * step), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_growth_is_the_factor_of_one_map_on_an_infinitesimal_layer(scenario):
    """Layer 2 beside a frozen layer 1 of overlap q_1: alpha (2/pi)^2 q_1^2, the liquid side counts 0."""
    chain = Chain(scenario, 6, 9.0)
    q = np.array([1.0, 0.7, 0.0, 0.0, 0.0, 0.7, 1.0])
    growth = chain.growth(q)
    assert growth[1] == pytest.approx(9.0 * (2 / np.pi) ** 2 * 0.49, rel=1e-13)
    tiny = 1e-9
    support = Support((True, True, False, False, True))
    logits = np.array([np.log(0.7 / 0.3), np.log(tiny), np.log(0.7 / 0.3), 0.0, -np.inf, 0.0])
    logits[4] = chain.weight_seed(np.array([0.7]), np.array([tiny]))[0]
    assert support.unknowns.sum() == logits.size
    image = chain.linearised(support, logits).image.value
    assert np.exp(image[1]) / tiny == pytest.approx(growth[1], rel=1e-6)


def test_product_complement_has_no_cancellation():
    point = Overlaps(np.array([1.0, 1.0]), np.array([0.0, 1e-30]), np.array([1.0]), np.array([2e-30]))
    assert point.product_complement[0] == pytest.approx(3e-30, rel=1e-14)


def scalar(function, slope):
    return lambda x: Image(function(x), np.diag(slope(x)))


def cubic(shift):
    """x -> x + 0.1 (shift - (x^3 - 3 x)): monotone on |x| <= 3, fixed points at x^3 - 3x = shift."""
    return scalar(lambda x: x + 0.1 * (shift - x**3 + 3 * x), lambda x: 1.3 - 0.3 * x**2)


@pytest.mark.parametrize("shift", [-1.999, -1.0, 0.0, 1.0, 1.999])
def test_solver_finds_the_outermost_fixed_points_of_a_bistable_map(shift):
    roots = np.sort(np.roots([1, 0, -3, -shift]).real)
    low = fixed_point(cubic(shift), np.array([-2.05]), 1)
    high = fixed_point(cubic(shift), np.array([2.05]), -1)
    assert low.x[0] == pytest.approx(roots[0], abs=1e-9)
    assert high.x[0] == pytest.approx(roots[2], abs=1e-9)


def test_solver_passes_the_ghost_of_a_fold():
    shift = 2.0 + 1e-7
    found = fixed_point(cubic(shift), np.array([-2.05]), 1)
    assert found.x[0] == pytest.approx(np.roots([1, 0, -3, -shift]).real.max(), abs=1e-11)
    assert found.certificate.evaluations < 500


def test_solver_refuses_maps_without_a_fixed_point_and_nan():
    with pytest.raises(NotConverged, match="evaluations") as caught:
        fixed_point(scalar(lambda x: x + 1.0, np.ones_like), np.zeros(2), 1, limit=50)
    assert caught.value.last is not None
    with pytest.raises(NotConverged):
        fixed_point(scalar(lambda x: x * np.nan, np.ones_like), np.zeros(2), 1)


def test_fold_of_a_known_curve():
    def family(x, a):
        return Local(a - x**3 + 3 * x, np.diag(1 + 3 - 3 * x**2), np.ones(1))

    fold = find_fold(family, np.array([3.0]), 18.0, -1, lambda x, a: a < -100)
    assert fold.a == pytest.approx(-2.0, abs=1e-12)
    assert fold.x[0] == pytest.approx(1.0, abs=1e-8)
    assert find_fold(family, np.array([3.0]), 18.0, 1, lambda x, a: a > 50) is None
