"""The chain: functional, map, Jacobian, linearisation, solver on plain maps."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from deepglass.errors import NotConverged
from theory import joint, measures
from theory.closures import CLOSURES, product
from theory.continuation import Local, find_fold
from theory.network import REPLICAS, Chain
from theory.overlaps import Overlaps, Support
from theory.potentials import HardCore, SoftCore
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


POTENTIALS = (HardCore(-0.5), HardCore(), HardCore(1.0), SoftCore(4.0), SoftCore(30.0, 0.5))


def answers(chain, q, Q, eps):
    """W_l and E F_h^2 of independent overlaps and fields, from the single-site functions themselves."""
    point, potential, n = Overlaps.of(q, Q), chain.potential, chain.n
    overlap, rest = product(chain.closure, point)
    last = measures.interaction(potential, overlap, rest, n).w
    if chain.closure.name == "gaussian":
        return last, expit(measures.neuron(eps[1:-1], n).logit)
    sites = [joint.site(potential, overlap[i], rest[i], eps[i + 1], n) for i in range(chain.depth - 1)]
    return np.array([s.w for s in sites] + [last[-1]]), expit([s.logit for s in sites])


@pytest.mark.parametrize("potential", POTENTIALS, ids=repr)
@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("closure", CLOSURES)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_stationarity_is_the_gradient_of_the_entropy(scenario, closure, depth, potential):
    """At random points, not only at solutions: each equation with its sign."""
    alpha, n = 3.7, REPLICAS[scenario]
    sign = 1 - 2 * n
    chain = Chain(scenario, depth, alpha, potential, CLOSURES[closure])
    q, Q, eps = random_point(depth, depth)

    def gradient(values, index, build):
        out = []
        for shift in (2e-4, 1e-4, -1e-4, -2e-4):
            moved = values.copy()
            moved[index] += shift
            out.append(chain.entropy(*build(moved)))
        return (-out[0] + 8 * out[1] - 8 * out[2] + out[3]) / (12 * 1e-4)

    w, neurons = answers(chain, q, Q, eps)
    own = q[1:] if closure == "gaussian" else np.ones(depth)
    for i in range(depth):
        left = Q[i] / (1 - Q[i]) ** 2 if n == 0 else Q[i] / (1 - Q[i])
        expected = sign * (left / alpha - q[i] * own[i] * w[i]) / 2
        found = gradient(Q, i, lambda moved: (Overlaps.of(q, moved), eps))
        assert found == pytest.approx(expected, rel=1e-7, abs=1e-8)
    for hidden in range(1, depth):
        field = Q[hidden] * own[hidden] * w[hidden]
        if closure == "gaussian":
            field += q[hidden - 1] * Q[hidden - 1] * w[hidden - 1]
        found = gradient(q, hidden, lambda moved: (Overlaps.of(moved, Q), eps))
        assert found == pytest.approx(sign * (eps[hidden] - field) / 2, rel=1e-7, abs=1e-8)
        found = gradient(eps, hidden, lambda moved: (Overlaps.of(q, Q), moved))
        assert found == pytest.approx(sign * (q[hidden] - neurons[hidden - 1]) / 2, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize(
    "hidden", [(True, True, True, True), (True, False, False, True), (False, True, True, False)]
)
@pytest.mark.parametrize("scale", [1.0, 4.0])
@pytest.mark.parametrize("closure", CLOSURES)
@pytest.mark.parametrize("potential", [HardCore(0.3), SoftCore(40.0)], ids=repr)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_jacobian_is_the_derivative_of_the_map(scenario, potential, closure, scale, hidden):
    chain = Chain(scenario, 5, 6.0, potential, CLOSURES[closure])
    support = Support(hidden)
    size = int(support.unknowns.sum())
    x = scale * np.random.default_rng(3).normal(size=size)
    found = chain.linearised(support, x)
    assert np.all(found.image.jacobian >= 0.0)
    step = 1e-4
    for j in range(size):
        move = step * np.eye(size)[j]
        values = [chain.linearised(support, x + k * move).image.value for k in (2, 1, -1, -2)]
        numeric = (-values[0] + 8 * values[1] - 8 * values[2] + values[3]) / (12 * step)
        np.testing.assert_allclose(found.image.jacobian[:, j], numeric, rtol=1e-7, atol=1e-8)
    up, down = (
        replace(chain, alpha=6.0 * np.exp(k * step)).linearised(support, x).image.value for k in (1, -1)
    )
    np.testing.assert_allclose(found.alpha_slope, (up - down) / (2 * step), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("closure", CLOSURES)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_growth_is_the_factor_of_one_map_on_an_infinitesimal_layer(scenario, closure):
    """Layer 4 beside a frozen layer 5: alpha (2/pi)^2 q_5^2 in both closures, the liquid side counts 0."""
    chain = Chain(scenario, 6, 9.0, closure=CLOSURES[closure])
    growth, pull = chain.onset(np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.7, 1.0]))
    assert growth[3] == pytest.approx(9.0 * (2 / np.pi) ** 2 * 0.49, rel=1e-13)
    tiny = 1e-9
    support = Support((False, False, False, True, True))
    logits = np.array([np.log(tiny), np.log(0.7 / 0.3), 0.0, 0.0])
    logits[2] = chain.weight_seed(np.array([tiny]), np.array([0.7]), np.array([2 / np.pi]))[0]
    first = chain.linearised(support, logits).image.value
    if closure == "gaussian":  # site: the next test, where q_5 and the field of layer 5 belong together
        assert np.exp(first[0]) / tiny == pytest.approx(growth[3], rel=1e-6)
    assert pull[3] == pytest.approx(2 / np.pi, rel=1e-13)


@pytest.mark.parametrize("potential", [HardCore(), HardCore(0.8), SoftCore(5.0, 0.2)], ids=repr)
@pytest.mark.parametrize("left", [0.0, 0.6, 1.0])
def test_onset_of_the_site_closure_is_the_linearised_single_site(potential, left):
    """Iterating the infinitesimal single-site problem multiplies it by the growth factor."""
    alpha, right, tiny = 2.3, 0.8, 1e-7
    growth, pull = CLOSURES["site"].onset(potential, alpha, np.array([left]), np.array([right]))
    w = measures.interaction_at_zero(potential)
    lam, eps = 0.5, 0.5
    for _ in range(60):
        site = joint.site(potential, tiny * lam, 1 - tiny * lam, tiny * eps, 0)
        new = alpha * left**2 * site.w / tiny, alpha * w**2 * right**2 * expit(site.logit) / tiny
        factor, ratio = sum(new) / (lam + eps), site.w / expit(site.logit)
        lam, eps = new[0] / sum(new), new[1] / sum(new)
    assert factor == pytest.approx(growth[0], rel=1e-5)
    assert ratio == pytest.approx(pull[0], rel=1e-5)


def test_product_complement_has_no_cancellation():
    point = Overlaps(np.array([1.0, 1.0]), np.array([0.0, 1e-30]), np.array([1.0]), np.array([2e-30]))
    assert product(CLOSURES["gaussian"], point)[1][0] == pytest.approx(3e-30, rel=1e-14)
    assert product(CLOSURES["site"], point)[1][0] == pytest.approx(2e-30, rel=1e-14)


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
