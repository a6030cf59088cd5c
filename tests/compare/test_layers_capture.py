"""Hooks: what they find is what the network computes, and how layers hang together."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn import functional

from compare.layers import Copies, capture, measure, measure_copies, read
from compare.layers.capture import networks
from compare.layers.matrices import matrices
from deepglass.errors import InvalidInput
from deepglass.schema import apart_from_dask
from simulate.copies import hooks
from simulate.copies.models import Model

X = np.random.default_rng(0).standard_normal((40, 64)).astype(np.float32)
T = torch.from_numpy(X)


def built(name: str, seed: int = 0, **arguments: object) -> nn.Module:
    return Model(f"simulate.copies.networks:{name}", arguments).build(seed)


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_a_perceptron(activation):
    module = built("mlp", width=8, depth=3, activation=activation)
    found = capture([module, module], X, X[:9])
    assert found.names == ["0", "2", "4"]
    assert [x.kind for x in found.layers] == ["Linear"] * 3
    assert [x.fed_by for x in found.layers] == [-1, 0, 1]
    assert [x.fixed for x in found.layers] == [False, False, True]
    assert [x.signed for x in found.layers] == [activation == "tanh"] * 3
    assert all(x.inputs is None for x in found.layers)
    with torch.no_grad():
        h = module[0](T)
        np.testing.assert_allclose(found.layers[0].neurons["training"][1], h, rtol=1e-6)
        np.testing.assert_allclose(found.layers[1].neurons["test"][0], module[2](module[1](h))[:9], atol=1e-6)
    np.testing.assert_array_equal(found.layers[1].weights[0], module[2].weight.detach())


def test_a_convolution():
    module = built("ConvNet", channels=4)
    found = capture([module, module], X)
    assert found.names == ["layers.0", "layers.2", "layers.5", "layers.8"]
    first, second, pooled, last = found.layers
    assert [x.fed_by for x in found.layers] == [-1, 0, None, 2]
    with torch.no_grad():
        h = module.layers[0](T.view(40, 1, 8, 8))
    np.testing.assert_allclose(first.neurons["training"][0], h.movedim(1, -1).reshape(-1, 4), rtol=1e-6)
    assert second.weights.shape == (2, 4, 4, 9)
    assert pooled.inputs.shape == (2, 40 * 16, 4)
    assert last.weights.shape == (2, 10, 4, 16)
    assert not first.signed  # MaxPool


def test_attention_by_hand():
    module = built("Transformer", width=8, heads=2, depth=1).eval()
    found, output, missed = hooks.answers(module, T)
    answers = {x.name: x for x in found}
    assert list(answers) == [
        "embed", *(f"blocks.0.attention.{x}" for x in ("query", "key", "value", "out")), "blocks.0.up",
        "blocks.0.down", "head",
    ]  # fmt: skip
    assert missed == []
    block = module.blocks[0]
    with torch.no_grad():
        torch.testing.assert_close(output, module(T))
        y = block.before(module.embed(T.view(40, 8, 8)) + module.place)
        q, k, v = functional.linear(y, block.attention.in_proj_weight, block.attention.in_proj_bias).chunk(
            3, -1
        )
        for name, expected in (("query", q), ("key", k), ("value", v)):
            torch.testing.assert_close(answers[f"blocks.0.attention.{name}"].output, expected)
        heads = [x.view(40, 8, 2, 4).transpose(1, 2) for x in (q, k, v)]
        mixed = functional.scaled_dot_product_attention(*heads).transpose(1, 2).reshape(40, 8, 8)
        expected = block.attention.out_proj(mixed)
    torch.testing.assert_close(answers["blocks.0.attention.out"].output, expected)
    torch.testing.assert_close(answers["blocks.0.attention.key"].weight, block.attention.in_proj_weight[8:16])
    layers = {x.name: x for x in capture([module, module], X).layers}
    assert layers["embed"].fed_by == -1
    assert layers["blocks.0.down"].fed_by == 5
    assert layers["blocks.0.up"].fed_by is None
    assert layers["blocks.0.attention.out"].inputs is None


class Encoder(nn.Module):
    """PyTorch's own layer, whose fast path goes round hooks; tokens first."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.view(len(x), 8, 8).transpose(0, 1)).mean(0)


def test_pytorch_s_own_encoder_layer():
    found = capture([Encoder(), Encoder()], X)
    assert found.names[-2:] == ["layer.linear1", "layer.linear2"]
    assert {x.neurons["training"].shape[1] for x in found.layers} == {40 * 8}


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = nn.Linear(64, 8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.unused = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x).relu()
        return self.third(h + self.second(h).tanh())


def test_units_of_a_sum_are_nobody_s():
    found = capture([Residual(), Residual()], X)
    assert [x.fed_by for x in found.layers] == [-1, 0, None]
    assert found.layers[2].inputs.shape == (2, 40, 8)
    assert found.about["missed"] == "unused"


def test_named_layers():
    module = built("mlp", width=8, depth=3)
    found = capture([module, module], X, names=["1", "2"])
    assert found.names == ["1", "2"]
    assert found.layers[0].weights is None
    with torch.no_grad():
        np.testing.assert_allclose(found.layers[0].neurons["training"][0], module[1](module[0](T)), rtol=1e-6)
    measured = measure(None, [module, built("mlp", 1, width=8, depth=3)], X, layers=["1", "2"])
    assert measured.phases("Q")[0] == "missing"
    with pytest.raises(InvalidInput, match="layer '7' is no module of the network; it has 0, 1, 2, 3, 4"):
        capture([module], X, names=["7"])
    with pytest.raises(InvalidInput, match="no Linear, Conv1d, Conv2d or MultiheadAttention"):
        capture([nn.Sequential(nn.Tanh())], X)


def test_more_answers_than_are_kept_are_the_same_of_every_copy():
    modules = [built("ConvNet", k, channels=4) for k in (0, 0, 1)]
    few = capture(modules, X, samples=50)
    assert {x.neurons["training"].shape[1] for x in few.layers} == {40, 50}
    np.testing.assert_array_equal(*few.layers[0].neurons["training"][:2])
    assert matrices(few)["q_matrix"].sel(aligned="before")[0, 0, 0, 1].item() == pytest.approx(1)


def test_the_network_is_left_as_it_was():
    module = built("Transformer", width=8).train()
    fast = torch.backends.mha.get_fastpath_enabled()
    before = {k: v.clone() for k, v in module.state_dict().items()}
    capture([module, module], X)
    assert module.training
    assert torch.backends.mha.get_fastpath_enabled() == fast
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    assert not any(part._forward_hooks for part in module.modules())


@pytest.mark.parametrize(
    ("probes", "problem"),
    [
        (X[:, :5], r"does not take probes of shape \(5,\)"),
        (X[:1], "2 or more"),
        (np.full((5, 64), np.nan, dtype=np.float32), "hold NaN"),
        (np.full((5, 64), "a"), "must be numbers"),
    ],
)
def test_probes_that_are_none(probes, problem):
    module = built("mlp", width=8)
    with pytest.raises(InvalidInput, match=problem) as caught:
        capture([module, module], probes)
    assert "\n" not in str(caught.value)


def test_copies_that_are_none():
    small, large = built("mlp", width=8, depth=3), built("mlp", width=9, depth=3)
    with pytest.raises(InvalidInput, match="copy 1: 0 has another size than in copy 0"):
        capture([small, large], X)
    with pytest.raises(InvalidInput, match=r"copy 1 has layers .*'4'.*, copy 0"):
        capture([built("mlp", width=8, depth=2), small], X)
    with pytest.raises(InvalidInput, match="1 trained copies: overlaps want 2"):
        measure(None, [small], X)
    with pytest.raises(InvalidInput, match="weights without a model"):
        networks(None, ["a.pt", "b.pt"])
    with pytest.raises(InvalidInput, match=r"checkpoint of copy 0 lacks 0.bias"):
        networks("simulate.copies.networks:mlp", [{"0.weight": torch.zeros(64, 64)}])


def stored(path, modules, suffix: str) -> Copies:
    """Answers and weights of perceptrons as a user would store them."""
    arrays = {}
    for name in ("0", "2"):
        arrays[f"{name}.weights"] = np.stack([m[int(name)].weight.detach().numpy() for m in modules])
    with torch.no_grad():
        arrays["0.activations"] = np.stack([m[0](T).numpy() for m in modules])
        arrays["2.activations"] = np.stack([m(T).numpy() for m in modules])
    if suffix == ".npz":
        np.savez(path, **arrays)
    else:
        variables = {k: (tuple(f"{k}{i}" for i in range(v.ndim)), v) for k, v in arrays.items()}
        with apart_from_dask():
            xr.Dataset(variables).to_netcdf(path, engine="h5netcdf")
    return read(path)


@pytest.mark.parametrize("suffix", [".npz", ".nc"])
def test_stored_answers_are_those_of_the_model(tmp_path, suffix):
    modules = [built("mlp", k, width=8, depth=2) for k in range(3)]
    copies = stored(tmp_path / f"a{suffix}", modules, suffix).with_signs("all")
    mine, theirs = matrices(copies), matrices(capture(modules, X))
    for name in theirs.data_vars:
        np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-6, atol=1e-7, err_msg=str(name))
    assert measure_copies(copies).dataset.attrs["source"].endswith(f"a{suffix}")


def test_stored_answers_that_cannot_be(tmp_path):
    path = tmp_path / "a.npz"
    good = {"a.activations": np.zeros((3, 10, 4)), "a.weights": np.zeros((3, 4, 2))}
    for change, problem in (
        ({"b.weights": np.zeros((3, 4, 2))}, "lacks b.activations"),
        ({"b": np.zeros(3)}, "array 'b' is not NAME.activations"),
        ({"a.weights": np.zeros((3, 5, 2))}, r"a has 4 units and weights \(3, 5, 2\)"),
        ({"a.weights": np.zeros((2, 4, 2))}, "weights of 2 copies, of 3 elsewhere"),
        ({"a.activations": np.full((3, 10, 4), np.nan)}, "hold NaN"),
        ({"a.activations": np.zeros((3, 10))}, "must be numbers"),
    ):
        np.savez(path, **{**good, **change})
        with pytest.raises(InvalidInput, match=problem):
            read(path)
    np.savez(path, **good)
    with pytest.raises(InvalidInput, match="no layer 'z'"):
        read(path, fixed=["z"])
    (tmp_path / "b.nc").write_bytes(b"nothing")
    with pytest.raises(InvalidInput, match=r"neither an .npz archive nor a readable netCDF4"):
        read(tmp_path / "b.nc")
    np.savez(path, **{"a.activations": np.array([None] * 8).reshape(2, 2, 2)})
    with pytest.raises(InvalidInput, match="damaged"):
        read(path)
