"""Hidden units in another order and of another sign are found again, up to the noise at which they cannot be;
of what is unrelated, no more is found than the nulls say."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from compare.layers import Copies, Layer, capture, measure, measure_copies, page
from compare.layers.matrices import matrices
from compare.layers.nulls import out_of_order, rotated
from deepglass.errors import InvalidInput
from simulate.copies.models import Model
from simulate.systems.permutations import best, matches

X = np.random.default_rng(0).standard_normal((80, 64)).astype(np.float32)


def shuffled(module: nn.Sequential, seed: int, signed: bool) -> nn.Sequential:
    """The same function: hidden units of a perceptron in another order, with other signs."""
    random = np.random.default_rng(seed)
    state = {k: v.clone() for k, v in module.state_dict().items()}
    linear = sorted({int(k.split(".")[0]) for k in state})
    for here, following in pairwise(linear):
        n = len(state[f"{here}.bias"])
        order = torch.from_numpy(random.permutation(n))
        sign = torch.from_numpy(random.choice([-1.0, 1.0], n) if signed else np.ones(n)).float()
        state[f"{here}.weight"] = state[f"{here}.weight"][order] * sign[:, None]
        state[f"{here}.bias"] = state[f"{here}.bias"][order] * sign
        state[f"{following}.weight"] = state[f"{following}.weight"][:, order] * sign
    copy = Model("simulate.copies.networks:mlp", ARGUMENTS[signed]).build()
    copy.load_state_dict(state)
    return copy


ARGUMENTS = {
    True: {"width": 12, "depth": 4, "activation": "tanh"},
    False: {"width": 12, "depth": 4, "activation": "relu"},
}


@pytest.mark.parametrize("align", ["activations", "weights"])
@pytest.mark.parametrize("signed", [True, False])
def test_a_shuffled_copy_is_the_same_after_alignment_and_not_before(signed, align):
    module = Model("simulate.copies.networks:mlp", ARGUMENTS[signed]).build(3)
    copies = [module, shuffled(module, 1, signed), shuffled(module, 2, signed)]
    with torch.no_grad():
        for copy in copies[1:]:
            torch.testing.assert_close(copy(torch.from_numpy(X)), module(torch.from_numpy(X)))
    found = matrices(capture(copies, X, X[::-1].copy()), align)
    off = ~np.eye(3, dtype=bool)
    for name in ("q_matrix", "Q_matrix"):
        before, after = (found[name].sel(aligned=x).values for x in ("before", "after"))
        np.testing.assert_allclose(after, 1, atol=2e-6)
        inside = before[..., :-1, :, :][..., off]
        assert (np.abs(inside) < 0.6).all()
    np.testing.assert_allclose(found["cka_matrix"], 1, atol=1e-5)
    raw = found["Q_raw_matrix"].sel(aligned="after").values
    np.testing.assert_allclose(raw[:, 0, 1], raw[:, 0, 0], rtol=1e-6)


def test_signs_are_free_only_where_they_may_be():
    """Flipped units of a ReLU network are another function; the signs are kept, unless the user says so."""
    module = Model("simulate.copies.networks:mlp", ARGUMENTS[True]).build(3)
    flipped = shuffled(module, 1, True)
    assert all(x.signed for x in capture([module, flipped], X).layers)
    kept = matrices(capture([module, flipped], X, signs="none"))["q_matrix"].sel(aligned="after")
    assert (kept.values[0, :-1, 0, 1] < 0.9).all()
    relu = Model("simulate.copies.networks:mlp", ARGUMENTS[False]).build(3)
    assert not any(x.signed for x in capture([relu, relu], X).layers)
    assert all(x.signed for x in capture([relu, relu], X, signs="all").layers)


def channels_shuffled(module: nn.Module, seed: int) -> nn.Module:
    """Channels of both hidden convolutions before the pooling, and of the one after it, in another order."""
    random = np.random.default_rng(seed)
    copy = Model("simulate.copies.networks:ConvNet", {"channels": 6}).build()
    state = {k: v.clone() for k, v in module.state_dict().items()}
    for here, following in (("layers.0", "layers.2"), ("layers.2", "layers.5"), ("layers.5", "layers.8")):
        order = torch.from_numpy(random.permutation(6))
        for part in ("weight", "bias"):
            state[f"{here}.{part}"] = state[f"{here}.{part}"][order]
        w = state[f"{following}.weight"]
        state[f"{following}.weight"] = w.reshape(len(w), 6, -1)[:, order].reshape(w.shape)
    copy.load_state_dict(state)
    return copy


def test_channels_are_units():
    module = Model("simulate.copies.networks:ConvNet", {"channels": 6}).build(1)
    other = channels_shuffled(module, 4)
    with torch.no_grad():
        x = torch.from_numpy(X)
        torch.testing.assert_close(other(x), module(x), rtol=1e-4, atol=1e-5)
    found = matrices(capture([module, other], X))
    for name in ("q_matrix", "Q_matrix"):
        after = found[name].sel(aligned="after").values
        np.testing.assert_allclose(after, 1, atol=1e-5)
        assert (found[name].sel(aligned="before").values[..., :3, 0, 1] < 0.9).all()


@pytest.mark.parametrize("seed", range(5))
def test_matches_undo_what_was_done(seed):
    """All hidden layers by weights, with signs and places; noise far below the threshold."""
    random = np.random.default_rng(seed)
    a = [random.standard_normal(shape) for shape in ((9, 4, 3), (7, 9, 2), (3, 7))]
    orders = [random.permutation(9), random.permutation(7)]
    signs = [random.choice([-1.0, 1.0], 9), random.choice([-1.0, 1.0], 7)]
    b = [x + 0.05 * random.standard_normal(x.shape) for x in a]
    for layer in (0, 1):
        b[layer] = (b[layer].T * signs[layer]).T[orders[layer]]
        b[layer + 1] = b[layer + 1].swapaxes(0, 1)
        b[layer + 1] = (b[layer + 1].T * signs[layer]).T[orders[layer]].swapaxes(0, 1)
    for layer, found in enumerate(matches(a, b, signed=True)):
        np.testing.assert_array_equal(orders[layer][found.order], np.arange(len(found.order)))
        np.testing.assert_array_equal(found.sign, signs[layer])


def expected_swaps(n: int, m: int, sigma: float, signed: bool = False) -> float:
    """Pairs of units that change places: n(n - 1)/2 times E Phi(-|w_i - w_j|/(sqrt(2) sigma)), |.|^2/2
    chi-square of m; with free signs four ways of changing places, two of which with |w_i +- w_j|, two with
    sqrt(w_i^2 + w_j^2) in its place, whose square is chi-square of 2 m."""
    chi = stats.chi2(m).ppf((np.arange(4000) + 0.5) / 4000)
    plain = stats.norm.cdf(-np.sqrt(chi) / sigma).mean()
    crossed = stats.norm.cdf(
        -np.sqrt(stats.chi2(2 * m).ppf((np.arange(4000) + 0.5) / 4000) / 2) / sigma
    ).mean()
    return n * (n - 1) / 2 * float(2 * plain + 2 * crossed if signed else plain)


@pytest.mark.parametrize(("n", "m", "signed"), [(40, 60, False), (40, 60, True), (80, 20, False)])
def test_a_permutation_is_found_up_to_the_threshold(n, m, signed):
    """b = a + sigma xi: exactly found with probability exp(-swaps) where swaps are few, 200 trials, 4
    standard deviations (longer cycles add to swaps about one in ten here). Well below sigma_c, where
    (1 + 1/sigma^2)^(m/2) = n^2/2, always; well above it, hardly a unit is."""
    random = np.random.default_rng(n + m + signed)
    critical = 1 / math.sqrt((n**2 / 2) ** (2 / m) - 1)

    def share(sigma: float, trials: int) -> np.ndarray:
        found = []
        for _ in range(trials):
            a = random.standard_normal((n, m))
            sign = random.choice([-1.0, 1.0], n) if signed else np.ones(n)
            order = random.permutation(n)
            b = ((a + sigma * random.standard_normal((n, m))) * sign[:, None])[order]
            match = best(a @ b.T, signed)
            found.append(np.mean((order[match.order] == np.arange(n)) & (match.sign == sign)))
        return np.array(found)

    assert (share(0.55 * critical, 20) == 1).all()
    sigma = next(s for s in np.linspace(0.5, 2, 400) * critical if expected_swaps(n, m, s, signed) > 0.5)
    assert 0.6 < sigma / critical < 1.4
    exact = np.mean(share(sigma, 200) == 1)
    assert math.exp(-0.5 * 1.25) - 4 * 0.035 < exact < math.exp(-0.5) + 4 * 0.035
    assert share(4 * critical, 10).mean() < 0.35


def test_what_alignment_makes_of_nothing():
    """Unrelated layers of n units with m numbers each: the best order of n x n independent Gaussian gains,
    over sqrt(m), which is below sqrt(2 ln n/m) and tends to it."""
    random, n, m = np.random.default_rng(5), 60, 400
    gains = [random.standard_normal((n, n)) for _ in range(40)]
    expected = np.mean([best(g).score(g) / n for g in gains]) / math.sqrt(m)
    made = []
    for _ in range(40):
        a, b = random.standard_normal((2, n, m))
        a, b = (x / np.linalg.norm(x) for x in (a, b))
        made.append(best(a @ b.T).score(a @ b.T))
    assert np.mean(made) == pytest.approx(expected, rel=0.02)
    assert 0.75 < expected / math.sqrt(2 * math.log(n) / m) < 1


def unrelated(k: int, seed: int, n: int = 16, s: int = 100, dimensions: int = 16) -> Copies:
    """Copies whose two layers share nothing, in ``dimensions`` directions; the second has names."""
    random = np.random.default_rng(seed)
    wide = [
        np.stack(
            [
                random.standard_normal((s, dimensions)) @ random.standard_normal((dimensions, n))
                for _ in range(k)
            ]
        )
        for _ in range(2)
    ]
    first, weights = random.standard_normal((k, n, 9)), random.standard_normal((k, n, n))
    return Copies((
        Layer("hidden", "test", {"training": wide[0]}, first, fed_by=-1, signed=True),
        Layer("out", "test", {"training": wide[1]}, weights, fed_by=0, fixed=True),
    ))  # fmt: skip


@pytest.mark.parametrize("dimensions", [2, 16])
@pytest.mark.parametrize("align", ["activations", "weights"])
def test_independent_copies_give_the_null(align, dimensions):
    """Aligned overlaps of unrelated copies are those of the null, at 4 standard errors (four numbers, false
    alarm below 0.1 % with 11 degrees of freedom each), and liquid; also in few dimensions."""
    found = measure_copies(unrelated(12, 1, dimensions=dimensions), align=align).dataset
    after = found.sel(aligned="after", probes="training")
    for name in ("q", "Q"):
        trained, null = (after[name].sel(set=x).values for x in ("trained", "alignment"))
        errors = np.hypot(*(after[f"{name}_error"].sel(set=x).values for x in ("trained", "alignment")))
        assert (np.abs(trained - null) < 4 * errors).all(), (name, trained, null, errors)
        assert set(found[f"{name}_phase"].sel(null="alignment").values) == {"liquid"}
    before = found["q"].sel(set="trained", layer="hidden", probes="training", aligned="before").item()
    aligned = after["q"].sel(set="trained", layer="hidden").item()
    assert abs(before) < 0.03
    assert (aligned > 0.1) == (align == "activations"), aligned


def test_nulls_keep_what_they_should():
    """Out of order: the same numbers of every unit. Rotated: the same kernel between probes, the same length
    of weights, and a linear chain that still computes what it did."""
    module = nn.Sequential(
        nn.Linear(64, 9, bias=False), nn.Linear(9, 7, bias=False), nn.Linear(7, 3, bias=False)
    )
    copies = capture([module, module, module], X)
    assert [x.fed_by for x in copies.layers] == [-1, 0, 1]
    mixed, turned, into = out_of_order(copies), rotated(copies), X
    for mine, other, turn in zip(copies.layers, mixed.layers, turned.layers, strict=True):
        x, y, z = (each.neurons["training"].astype(float) for each in (mine, other, turn))
        np.testing.assert_array_equal(np.sort(x, axis=1), np.sort(y, axis=1))
        assert (y[0] != y[1]).any()
        np.testing.assert_allclose(x[0] @ x[0].T, z[0] @ z[0].T, atol=1e-4)
        assert mine.weights is not None
        assert other.weights is not None
        assert turn.weights is not None
        np.testing.assert_array_equal(np.sort(mine.weights.ravel()), np.sort(other.weights.ravel()))
        np.testing.assert_allclose(np.square(turn.weights).sum((1, 2)), np.square(mine.weights).sum((1, 2)))
        np.testing.assert_allclose(into @ turn.weights[1].T, z[1], atol=1e-5)
        into = z[1]


def test_a_pinned_layer_is_solid_and_a_free_one_liquid():
    """Copies that share their first layer (but for order, sign and a little noise) and not their second."""
    random, k = np.random.default_rng(0), 6
    x = random.standard_normal((300, 20))
    w = random.standard_normal((k, 20, 20))
    shared = random.standard_normal((20, 20))
    first = []
    for _ in range(k):
        noisy = shared + 0.1 * random.standard_normal((20, 20))
        first.append((noisy * random.choice([-1, 1], 20)[:, None])[random.permutation(20)])
    hidden = np.stack([np.tanh(x @ f.T) for f in first])
    free = np.stack([h @ u.T for h, u in zip(hidden, w, strict=True)])
    copies = Copies((
        Layer("pinned", "test", {"training": hidden}, np.stack(first), fed_by=-1, signed=True),
        Layer("free", "test", {"training": free}, w, fed_by=0, signed=True),
    ))  # fmt: skip
    found = measure_copies(copies)
    assert found.phases("q") == ["solid", "liquid"]
    assert found.phases("Q") == ["solid", "liquid"]
    # Rotations of the same inputs are alike up to rotations: both are solid there, beyond alignment.
    assert found.phases("cka") == ["solid", "solid"]
    two = [
        replace(x, neurons={"training": x.neurons["training"][:2]}, weights=x.weights[:2])
        for x in copies.layers
    ]
    assert measure_copies(Copies(tuple(two))).phases("q") == ["undecided", "undecided"]


def test_two_groups_of_copies_are_a_tree_and_exchangeable_ones_are_flat(tmp_path):
    """Eight copies near one network, or four near one and four near another: told after alignment, in the
    layer where they differ. In the report in words."""
    random, k = np.random.default_rng(0), 8
    x = random.standard_normal((200, 12))
    base = random.standard_normal((2, 12, 12))

    def near(group: np.ndarray) -> Layer:
        w = base[group] + 0.4 * random.standard_normal((k, 12, 12))
        w = np.stack([one[random.permutation(12)] for one in w])
        return Layer("", "test", {"training": np.stack([np.tanh(x @ one.T) for one in w])}, w, fed_by=-1)

    layers = {"one": near(np.zeros(k, int)), "two": near(np.arange(k) % 2)}
    found = measure_copies(Copies(tuple(replace(layer, name=n) for n, layer in layers.items())))
    assert found.trees == ["flat", "tree"]
    assert found.dataset["tree_chance"].values[1] <= 0.004
    said = page.trees_said(found)
    assert "A tree in two (p = 0.00" in said
    assert "Flat in one (p = 0." in said
    page.write(found, tmp_path / "r")
    assert "A tree in two" in (tmp_path / "r.html").read_text()


def test_what_cannot_be_aligned_by_weights():
    module = Model("simulate.copies.networks:ConvNet", {"channels": 4}).build()
    with pytest.raises(InvalidInput, match=r"layers.5 is not fed by the one before: use activations"):
        measure(None, [module, module], X, align="weights")
    with pytest.raises(InvalidInput, match="align = 'nothing' must be one of activations, weights"):
        measure(None, [module, module], X, align="nothing")
