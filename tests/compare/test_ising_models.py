"""Models judged by sampling, against enumeration: both sides, likelihood, landscapes; all named fits."""

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp, xlogy

from compare.ising_fits import FITS, Attempt, Learning, attempt
from compare.ising_models import (
    Sampling,
    branches,
    chain_landscape,
    independent_configurations,
    likelihood,
    sides,
)
from deepglass.errors import InvalidInput
from simulate.ising_chains import annealed_log_z
from theory.inverse_ising import (
    IsingModel,
    Moments,
    configurations,
    exact,
    hysteresis,
    probabilities,
    sample_moments,
)

SAMPLING = Sampling(200, 100, 40, 2, 200, 100, 20, 40)


def glass(N, coupling, fields, seed=0):
    rng = np.random.default_rng(seed)
    J = np.triu(coupling * rng.standard_normal((N, N)), 1)
    return IsingModel(J + J.T, fields * rng.standard_normal(N))


def magnet(N, coupling, field=0.0):
    return IsingModel(coupling / N * (1.0 - np.eye(N)), np.full(N, field))


def drawn(model, count, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.choice(2**model.N, count, p=probabilities(model))
    return configurations(model.N)[rows].astype(np.int8)


@pytest.mark.parametrize(("coupling", "two"), [(2.0, True), (0.5, False)])
def test_both_sides_of_a_magnet(coupling, two):
    """Two states below the transition, one above it: by chains and by messages. z > 10 and < 4.5."""
    model = magnet(80, coupling, 0.01)
    moments = sample_moments(np.ones((3, 80)))
    seen = sides(model, moments, np.ones((50, 80), np.int8), SAMPLING)
    both = branches(model, np.full(80, 0.5))
    if two:
        assert seen.apart > 10
        assert seen.overlap[0] > 0.9
        assert seen.overlap[1] < -0.9
        assert both.overlap[1] < -0.9
    else:
        assert seen.apart < 4.5
        assert both.gap == 0.0
        assert both.probability == 0.0


def test_weight_of_the_branch_against():
    """ln of the ratio of both sectors of a magnet in a field, summed over magnetisations; 3 % of finite N."""
    N, coupling, field = 100, 1.6, 0.02
    up = np.arange(N + 1)
    M = 2.0 * up - N
    logs = gammaln(N + 1) - gammaln(up + 1) - gammaln(N - up + 1)
    logs += coupling / (2 * N) * (M**2 - N) + field * M
    ratio = np.logaddexp.reduce(logs[M > 0]) - np.logaddexp.reduce(logs[M < 0])
    found = branches(magnet(N, coupling, field), np.full(N, 0.5))
    assert N * found.gap == pytest.approx(ratio, rel=0.03)
    assert found.probability == pytest.approx(1 / (1 + np.exp(ratio)), rel=0.15)


def test_likelihood_is_that_of_enumeration():
    """Of what was fitted, and of configurations left out; 4 standard errors of 300 samples."""
    model = glass(9, 0.4, 0.4, seed=2)
    seen, left = drawn(model, 4000, 1), drawn(model, 300, 2)
    moments = sample_moments(seen)
    found = likelihood(model, moments, seen[:200], left, SAMPLING, samples=len(seen))
    log_z = 9 * exact(model).log_z
    assert abs(found.log_z.value - log_z) < 4 * found.log_z.error + 1e-3
    p = (1 + moments.m) / 2
    alone = float((xlogy(p, p) + xlogy(1 - p, 1 - p)).sum())
    assert found.fitted == pytest.approx(-9 * model.mean_energy(moments) - log_z - alone, abs=0.02)
    logs = np.where(left > 0, np.log(p), np.log1p(-p)).sum(1)  # smoothing by two in 4000 is below the error
    gain = -model.energy(left) - log_z - logs
    assert found.unseen == pytest.approx(gain.mean(), abs=0.02)
    assert found.error == pytest.approx(gain.std(ddof=1) / np.sqrt(300), rel=0.1)
    np.testing.assert_allclose(found.gains - found.gains.mean(), gain - gain.mean(), atol=0.02)
    nothing = likelihood(model, moments, seen[:200], None, SAMPLING)
    assert np.isnan(nothing.unseen)
    other = likelihood(model, moments, seen[:200], None, SAMPLING, other_branch=log_z)
    assert other.fitted == pytest.approx(nothing.fitted - np.log(2), abs=0.02)


def test_landscape_by_chains_is_that_of_enumeration():
    model = glass(8, 0.3, 0.3, seed=4)
    star = drawn(model, 1)[0]
    x = np.linspace(-2, 2, 41)
    found = chain_landscape(model, star, x, 1, SAMPLING, log_z=8 * exact(model).log_z)
    for k in range(0, 41, 5):
        tilted = exact(model.tilted(star, float(x[k])))
        q = float(star @ tilted.moments.m) / 8
        assert found.d[k] == pytest.approx((1 - q) / 2, abs=4.5 * found.residual)
        # 0.02: the trapezium over steps of 0.1 and the noise of the energy.
        assert found.s[k] == pytest.approx(tilted.entropy, abs=0.02)
    assert 0.003 < found.residual < 0.02
    assert found.log_z[20] == pytest.approx(exact(model).log_z, abs=1e-12)


@pytest.mark.parametrize(("coupling", "two"), [(2.5, True), (0.5, False)])
def test_chains_show_hysteresis_where_there_is_some(coupling, two):
    model, star, x = magnet(100, coupling), np.ones(100, np.int8), np.linspace(-2, 2, 41)
    rising, falling = (chain_landscape(model, star, x, way, SAMPLING) for way in (1, -1))
    found = hysteresis(rising, falling)
    assert (found is not None) == two
    if two:
        # Mean-field spinodal: h = artanh m - g m at m^2 = 1 - 1/g.
        m = np.sqrt(1 - 1 / coupling)
        assert found.upper == pytest.approx(coupling * m - np.arctanh(m), abs=0.25)
        assert found.lower == pytest.approx(-found.upper, abs=0.21)


@pytest.mark.parametrize(("coupling", "two"), [(2.5, True), (0.5, False)])
def test_both_branches_are_seen_and_weighed(coupling, two):
    """A magnet without a field: two branches of the same ln Z beyond coupling 1, one below it."""
    model = magnet(60, coupling)
    moments = Moments(np.full(60, 0.9), np.full((60, 60), 0.81) + 0.19 * np.eye(60))
    start = independent_configurations(moments, 100)
    seen = sides(model, moments, start, SAMPLING, 3)
    assert seen.two == two
    if two:
        base = np.arctanh(moments.m)
        ends = [
            annealed_log_z(model.J, model.h, way * base, chains=100, sweeps=300, seed=1, equilibrium=last)
            for way, last in ((1, seen.last), (-1, seen.last_other))
        ]
        off = ends[0].value - ends[1].value
        assert abs(off) < 5 * np.hypot(ends[0].error, ends[1].error) < 1.0
        both = np.logaddexp(ends[0].value, ends[1].value)
        k = np.arange(61)  # spins up: ln Z in closed form
        energy = coupling / 60 * ((2 * k - 60) ** 2 - 60) / 2
        binomial = gammaln(61) - gammaln(k + 1) - gammaln(61 - k)
        assert both == pytest.approx(logsumexp(binomial + energy), abs=0.2)


def test_independent_configurations():
    """4.5 standard errors of 4000 coins, ten means."""
    moments = sample_moments(drawn(glass(10, 0.3, 1.0), 500))
    found = independent_configurations(moments, 4000)
    assert np.all(np.abs(found.mean(0) - moments.m) <= 4.5 * np.sqrt((1 - moments.m**2) / 4000))


LEARNING = Learning(200, 200, 200, 5, (0.02, 0.15), pseudo_iterations=300)


@pytest.fixture(scope="module")
def attempts():
    """All fits of 3000 configurations of a small glass, in order."""
    model = glass(8, 0.12, 0.3, seed=6)
    samples = drawn(model, 3000, 3)
    done = {"truth": Attempt(model, True, "given", 0.0)}
    for name in FITS:
        done[name] = attempt(name, sample_moments(samples), samples, LEARNING, before=done)
    return model, samples, done


@pytest.mark.parametrize("name", [name for name in FITS if not name.startswith("exact.broken")])
def test_every_fit_finds_a_model_that_explains_the_correlations(attempts, name):
    """By enumeration: a moment error below that of independent spins by half at least.

    Bethe learning matches beliefs, which know no paths: below it at all.
    """
    _, samples, done = attempts
    moments = sample_moments(samples)
    found = done[name].model
    off = np.sqrt(np.mean((exact(found).moments.C - moments.C) ** 2))
    alone = np.sqrt(np.mean((moments.independent().C - moments.C) ** 2))
    bar = 0.9 if name.startswith("bethe") else 0.5
    assert off == pytest.approx(alone, rel=0.02) if name == "independent" else off < bar * alone


def test_a_broken_start_has_two_branches(attempts):
    """A small glass has none, so there is nothing to begin from; a magnet below its transition has."""
    _, _, done = attempts
    assert done["exact.broken"].model is None
    assert "no model with two branches" in done["exact.broken"].reason
    model = magnet(40, 2.0)
    drawn_ = np.where(np.random.default_rng(0).random((300, 40)) < 0.95, 1, -1).astype(np.int8)
    before = {"bethe.zero": Attempt(model, True, "given", 0.0)}
    short = Learning(20, 5, 50, 2, (0.2,))
    found = attempt("exact.broken", sample_moments(drawn_), drawn_, short, before=before)
    assert found.model is not None


def test_exact_learning_does_not_know_where_it_began(attempts):
    """Couplings within 0.09 of the truth (four to five errors of 3000 samples) and 0.03 of one another."""
    model, _, done = attempts
    starts = [done[f"exact.{name}"].model.J for name in ("zero", "independent", "pseudo", "truth")]
    for J in starts:
        assert np.max(np.abs(J - model.J)) < 0.09
        assert np.max(np.abs(J - starts[0])) < 0.03


def test_prior_of_pseudo_likelihood_is_that_of_the_data(attempts):
    """Couplings of 0.12: 0.15 is the better of 0.02 and 0.15."""
    assert attempts[2]["pseudo"].width == 0.15
    assert attempts[2]["exact.pseudo"].width == 0.15


def test_what_cannot_be_fitted_says_why():
    moments = sample_moments(drawn(glass(5, 0.2, 0.3), 400))
    found = attempt("pseudo", moments, None, LEARNING)
    assert found.model is None
    assert "moments only" in found.reason
    found = attempt("exact.pseudo", moments, None, LEARNING, before={"pseudo": found})
    assert found.model is None
    frozen = sample_moments(np.column_stack([np.ones(400), drawn(glass(4, 0.2, 0.3), 400)]))
    found = attempt("nmf", frozen, None, LEARNING)
    assert found.model is None
    assert "positive definite" in found.reason
    with pytest.raises(InvalidInput, match="must be one of independent"):
        attempt("guess", moments, None, LEARNING)


def test_an_attempt_that_stops_early_keeps_its_model():
    moments = sample_moments(drawn(glass(6, 0.5, 0.3), 2000))
    found = attempt("bethe.zero", moments, None, Learning(bethe_steps=3))
    assert isinstance(found, Attempt)
    assert not found.converged
    assert found.model is not None
