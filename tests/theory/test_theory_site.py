"""The site closure: its single-site averages, and the chain against an independent slow solver."""

import math
from functools import cache

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.special import expit, log_ndtr, ndtr
from scipy.stats import norm

from deepglass.errors import NoSolution
from theory import capacity, joint, solve_profile
from theory.potentials import HardCore, SoftCore
from theory.storage import second_moment

GRID = np.linspace(-9.0, 9.0, 801)
WEIGHT = norm.pdf(GRID) * (GRID[1] - GRID[0])


def dense(lam, eps, n):
    """W, q of the hard core at margin 0 on a dense uniform grid, written as in the note: G, sinh, cosh."""
    u = math.sqrt(lam / (1 - lam)) * GRID[:, None]
    h = n * eps + math.sqrt(eps) * GRID[None, :]
    weight = WEIGHT[:, None] * WEIGHT[None, :] * (2 * ndtr(u) if n else 1.0)
    up, down = h + log_ndtr(u), -h + log_ndtr(-u)
    log_g = np.logaddexp(up, down)
    m = np.exp(up - log_g) - np.exp(down - log_g)
    sides = np.exp(h - u * u / 2 - log_g) - np.exp(-h - u * u / 2 - log_g)
    w = np.sum(weight * sides**2) / (2 * np.pi) / (1 - lam)
    return w, np.sum(weight * m * m), np.sum(weight * log_g) - n * eps


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize(("lam", "eps"), [(0.0, 2.0), (0.3, 0.5), (0.7, 3.9), (0.7, 4.1), (0.9, 20.0)])
def test_single_site_averages_against_a_dense_grid(n, lam, eps):
    w, q, log_partition = dense(lam, eps, n)
    found = joint.site(HardCore(), lam, 1 - lam, eps, n)
    assert found.w == pytest.approx(w, rel=1e-9)
    assert expit(found.logit) == pytest.approx(q, rel=1e-10)
    assert joint.log_partition(HardCore(), lam, 1 - lam, eps, n) == pytest.approx(log_partition, rel=1e-9)


@pytest.mark.parametrize("n", [0, 1])
def test_overlap_of_a_soft_site_against_adaptive_quadrature(n):
    potential, lam, eps = SoftCore(3.0, 0.2), 0.5, 1.5

    @cache  # the inner integral asks for the same two
    def f(a):
        return potential.value(np.array([a - 0.2]), np.array([1 - lam]))[0]

    normaliser = math.exp(potential.value(np.array([-0.2]), np.ones(1))[0])

    def integrand(t, z):
        up, down, h = f(math.sqrt(lam) * z), f(-math.sqrt(lam) * z), n * eps + math.sqrt(eps) * t
        weight = norm.pdf(z) * norm.pdf(t) * (math.exp(up) / normaliser if n else 1.0)
        return weight * math.tanh(h + (up - down) / 2) ** 2

    exact = dblquad(integrand, -7, 7, -7, 7, epsabs=1e-7, epsrel=1e-7)[0]
    assert expit(joint.site(potential, lam, 1 - lam, eps, n).logit) == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("margin", [-1.0, 0.0, 0.7])
@pytest.mark.parametrize(("complement", "eps"), [(0.4, 1e-6), (1e-3, 3.0), (1e-6, 1e3), (1e-6, 1e7)])
def test_grids_are_converged(monkeypatch, n, margin, complement, eps):
    """Halving both steps changes nothing, however narrow the switching line."""

    def answer():
        site = joint.site(HardCore(margin), 1 - complement, complement, eps, n)
        return np.array([math.log(site.w), site.logit, site.w_overlap / site.w])

    coarse = answer()
    monkeypatch.setattr(joint, "ROWS", joint.ROWS / 2)
    monkeypatch.setattr(joint, "COLUMNS", joint.COLUMNS / 2)
    np.testing.assert_allclose(coarse, answer(), rtol=1e-8, atol=1e-9)


def slow_chain(n, depth, alpha, sweeps=4000):
    """Plain iteration of the note's equations on the dense grid's coarser sibling."""
    q, Q = np.full(depth + 1, 0.5), np.full(depth, 0.5)
    q[[0, -1]] = 1.0
    z = np.linspace(-8.5, 8.5, 301)
    weight = norm.pdf(z) * (z[1] - z[0])
    for _ in range(sweeps):
        old = np.concatenate([q, Q])
        lam = q[-2] * Q[-1]
        u = math.sqrt(lam / (1 - lam)) * z
        tilt = 2 * ndtr(u) if n else 1.0
        W = np.sum(weight * tilt * np.exp(2 * norm.logpdf(u) - 2 * log_ndtr(u))) / (1 - lam)
        eps = 0.0
        for layer in range(depth, 0, -1):
            if layer < depth:
                lam = q[layer - 1] * Q[layer - 1]
                u = math.sqrt(lam / (1 - lam)) * z[:, None]
                h = n * eps + math.sqrt(eps) * z[None, :]
                both = weight[:, None] * weight[None, :] * (2 * ndtr(u) if n else 1.0)
                up, down = h + log_ndtr(u), -h + log_ndtr(-u)
                log_g = np.logaddexp(up, down)
                m = np.exp(up - log_g) - np.exp(down - log_g)
                sides = np.exp(h - u * u / 2 - log_g) - np.exp(-h - u * u / 2 - log_g)
                W = np.sum(both * sides**2) / (2 * np.pi) / (1 - lam)
                q[layer] = np.sum(both * m * m)
            eps = Q[layer - 1] * W
            p = alpha * q[layer - 1] * W
            Q[layer - 1] = p / (1 + p) if n else 4 * p / (1 + math.sqrt(1 + 4 * p)) ** 2
        if np.max(np.abs(np.concatenate([q, Q]) - old)) < 1e-12:
            break
    return q, Q


@pytest.mark.parametrize(
    ("scenario", "depth", "alpha"),
    [
        ("random", 2, 6.0),
        ("teacher-student", 2, 3.0),
        pytest.param("random", 3, 20.0, marks=pytest.mark.slow),
    ],
)
def test_chain_against_an_independent_solver(scenario, depth, alpha):
    q, Q = slow_chain(0 if scenario == "random" else 1, depth, alpha)
    found = solve_profile(scenario, depth, alpha, closure="site")
    np.testing.assert_allclose(found.q, q, atol=2e-9)
    np.testing.assert_allclose(found.Q, Q, atol=2e-9)


@pytest.mark.parametrize("scenario", ["random", "teacher-student"])
@pytest.mark.parametrize("alpha", [0.3, 1.9])
def test_both_closures_agree_at_depth_one(scenario, alpha):
    one, other = (solve_profile(scenario, 1, alpha, closure=c) for c in ("gaussian", "site"))
    assert one.Q[0] == other.Q[0]
    assert one.entropy == pytest.approx(other.entropy, rel=1e-14)
    assert one.replicon == pytest.approx(other.replicon, rel=1e-12)


@pytest.mark.parametrize(
    ("alpha", "bound"), [pytest.param(30.0, 1e-10, marks=pytest.mark.slow), (1e3, 1e-10), (1e6, 1e-9)]
)
def test_residual_of_the_site_closure(alpha, bound):
    for scenario, depth in (("teacher-student", 3), ("random", 5)):
        if alpha < capacity(depth, closure="site") or scenario == "teacher-student":
            assert solve_profile(scenario, depth, alpha, closure="site").certificate.residual <= bound


@pytest.mark.parametrize(
    ("depth", "margin"), [(2, 0.0), pytest.param(3, 0.0, marks=pytest.mark.slow), (2, 0.5)]
)
def test_random_branch_reaches_one_linearly_at_its_capacity(depth, margin):
    limit = capacity(depth, margin, closure="site")
    rest = [
        solve_profile("random", depth, limit * (1 - d), margin, closure="site").Q_complement
        for d in (1e-3, 1e-4)
    ]
    np.testing.assert_allclose(rest[1] / rest[0], 0.1, rtol=0.05)
    with pytest.raises(NoSolution, match="capacity") as caught:
        solve_profile("random", depth, limit * (1 + 1e-9), margin, closure="site")
    assert caught.value.limit == limit


def test_capacities_of_the_site_closure():
    assert capacity(1, 0.5, closure="site") == pytest.approx(1 / second_moment(0.5), rel=1e-12)
    assert capacity(2, closure="site") == pytest.approx(20.6487645696, rel=1e-9)
    assert capacity(3, closure="site") == pytest.approx(148.418697520, rel=1e-9)
    assert capacity(2, potential="soft") == math.inf


@pytest.mark.parametrize("depth", [2, 4])
@pytest.mark.parametrize("alpha", [0.7, 1.8])
def test_layers_between_frozen_neurons_are_independent_perceptrons(depth, alpha):
    """Map and entropy at q = 1: every bond answers as a perceptron alone, in both closures."""
    from theory.closures import CLOSURES
    from theory.network import Chain
    from theory.saddle import whole

    alone = solve_profile("random", 1, alpha)
    Q = np.log(alone.Q[0] / alone.Q_complement[0])
    for closure in CLOSURES.values():
        chain = Chain("random", depth, alpha, closure=closure)
        x = np.append(np.full(depth - 1, np.inf), np.full(depth, Q))
        if closure.own_output:
            image = chain.linearised(whole(chain), x).image.value[depth - 1 :]
            np.testing.assert_allclose(image, Q, rtol=1e-9)
            point = chain.overlaps(whole(chain), x)
            assert chain.entropy(point, np.zeros(depth + 1)) == pytest.approx(
                depth * alone.entropy + (depth - 1) * math.log(2), rel=1e-10
            )
        else:
            # A pinned neuron, eps -> infinity, takes its gap's sign as given.
            site = joint.site(chain.potential, alone.Q[0], alone.Q_complement[0], 1e12, 0)
            assert alpha * site.w == pytest.approx(alone.Q[0] / alone.Q_complement[0] ** 2, rel=1e-5)
