"""Copies of ordinary networks: models by name, checkpoints read with suspicion, training as alone."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from deepglass.cli import main
from deepglass.errors import Diverged, InvalidInput
from simulate.cli import app
from simulate.copies import Labelled, Model, Training, load, read_state, train
from simulate.copies.loss import cross_entropy, squares
from simulate.copies.models import arguments, check_state
from simulate.copies.train import shuffled

MLP = Model("simulate.copies.networks:mlp", {"width": 8, "depth": 3})
SHORT = Training(copies=3, epochs=3, batch=50)


@pytest.fixture(scope="module")
def digits() -> Labelled:
    return load("digits", patterns=200, test_patterns=50)


@pytest.fixture(scope="module")
def trained(digits):
    return train(MLP, digits, SHORT)


def test_data_are_centred_and_split_alike_for_every_size(digits):
    assert digits.inputs.shape == (200, 64)
    assert digits.inputs.dtype == np.float32
    assert abs(digits.inputs.mean()) < 1e-5
    assert digits.inputs.std() == pytest.approx(1, abs=1e-5)
    more = load("digits", patterns=300, test_patterns=50)
    np.testing.assert_array_equal(more.labels[:200], digits.labels)
    np.testing.assert_array_equal(more.test_labels, digits.test_labels)
    assert set(digits.labels) == set(range(10))
    two = load("digits", patterns=100, test_patterns=20, classes=(7, 3))
    assert two.classes == (7, 3)
    assert set(two.labels) == {0, 1}
    # Class 7 comes first: its images are those that load with class 7 alone beside another.
    other = load("digits", patterns=100, test_patterns=20, classes=(3, 7))
    np.testing.assert_array_equal(two.labels, 1 - other.labels)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"patterns": 1700, "test_patterns": 400}, "exceed the 1797 images"),
        ({"classes": (1, 11)}, "no image of class 11"),
        ({"patterns": -1}, "patterns = -1"),
    ],
)
def test_data_that_cannot_be(values, problem):
    with pytest.raises(InvalidInput, match=problem):
        load("digits", **values)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("name", ["mlp", "ConvNet", "Transformer", "normed"])
def test_a_copy_in_a_batch_is_the_copy_trained_alone(digits, name, optimizer):
    """To the rounding of batched matrix products, in double precision; another seed is far away."""
    model = Model.of(in_double, name=name)
    wide = replace(digits, inputs=digits.inputs.astype(np.float64))
    # The bias of keys has no gradient but rounding, in which Adam's quotient with a decay is not stable.
    decay = 0.0 if (name, optimizer) == ("Transformer", "adam") else 1e-3
    training = replace(SHORT, optimizer=optimizer, epochs=2, weight_decay=decay)
    together = train(model, wide, training)
    alone = train(model, wide, replace(training, copies=1, seed=2))
    for key, value in alone.states[0].items():
        torch.testing.assert_close(together.states[2][key], value, rtol=1e-9, atol=1e-11)
        if value.is_floating_point():  # all copies count their batches alike
            assert not torch.allclose(together.states[1][key], value, rtol=1e-6)
    np.testing.assert_allclose(together.history[:, 2], alone.history[:, 0], rtol=1e-10)


def in_double(name: str) -> nn.Module:
    if name == "normed":
        return Normed().double()
    small = {"mlp": {"width": 8, "depth": 3}, "ConvNet": {"channels": 4}, "Transformer": {"width": 8}}
    module: nn.Module = Model(f"simulate.copies.networks:{name}", small[name]).build(torch.initial_seed())
    return module.double()


class Normed(nn.Sequential):
    """With state that a forward pass changes: BatchNorm of channels and of units (which leaves no gradient to
    a bias before it)."""

    def __init__(self, momentum: float | None = 0.1):
        super().__init__(
            nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 3, 3, stride=2, bias=False), nn.BatchNorm2d(3),
            nn.ReLU(), nn.Flatten(), nn.Linear(27, 8, bias=False), nn.BatchNorm1d(8, momentum=momentum),
            nn.Tanh(), nn.Linear(8, 10),
        )  # fmt: skip


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("model", [MLP, Model.of(lambda: Normed())], ids=["mlp", "normed"])
def test_it_is_what_torch_alone_does(digits, model, optimizer):
    """Against a plain loop over one module with torch's optimizer, in the same order of patterns; running
    statistics too, which what comes before the first step does not touch."""
    from simulate import noise
    from simulate.dynamics.descent import Orders

    training = Training(copies=1, epochs=2, batch=50, optimizer=optimizer, seed=5)
    found = train(model, digits, training)
    module = model.build(5)
    x, y = torch.from_numpy(digits.inputs), torch.from_numpy(digits.labels)
    if optimizer == "adam":
        step: torch.optim.Optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    else:
        step = torch.optim.SGD(module.parameters(), lr=1e-3, momentum=0.9)
    orders = Orders(noise.keys(5, [noise.Member(0)], noise.BATCHES), 200)
    for epoch in range(2):
        for chosen in orders.of(epoch)[0].split(50):
            step.zero_grad()
            nn.functional.cross_entropy(module(x[chosen]), y[chosen]).backward()
            step.step()
    for key, value in module.state_dict().items():
        torch.testing.assert_close(found.states[0][key], value, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        right = (module.eval()(x).argmax(1) == y).double().mean()
    assert found.accuracy[0] == pytest.approx(right.item(), abs=1e-9)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("labels", ["own", "shuffled"])
@pytest.mark.parametrize(
    ("name", "optimizer"),
    [("mlp", "adam"), ("ConvNet", "adam"), ("normed", "adam"), ("Transformer", "sgd"), ("mlp", "sgd")],
)
def test_copies_trained_on_a_gpu_are_those_of_the_cpu(digits, name, optimizer, labels):
    """8 steps in double precision, to 1e-7: products are summed in another order. What is returned lies on
    the CPU, and no stream of random numbers is moved."""
    model = Model.of(in_double, name=name)
    wide = replace(digits, inputs=digits.inputs.astype(np.float64))
    training = replace(SHORT, optimizer=optimizer, epochs=2, labels=labels)
    cpu, before = train(model, wide, training), torch.cuda.get_rng_state()
    gpu = train(model, wide, training, device="cuda")
    assert torch.equal(before, torch.cuda.get_rng_state())
    for ours, theirs in zip(gpu.states, cpu.states, strict=True):
        for key, value in theirs.items():
            torch.testing.assert_close(ours[key], value, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(gpu.history, cpu.history, rtol=1e-8)
    np.testing.assert_allclose(gpu.accuracy, cpu.accuracy, atol=0.006)  # one pattern near a tie
    assert gpu.modules()[0].training is False


def test_a_device_that_is_not_here_is_named(digits, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InvalidInput, match="no CUDA device; use cpu or auto"):
        train(MLP, digits, SHORT, device="cuda")
    with pytest.raises(InvalidInput, match="device = 'tpu' must be one of auto, cpu, cuda"):
        train(MLP, digits, SHORT, device="tpu")


def test_seeds_decide_and_torch_s_own_stream_does_not(digits, trained):
    torch.manual_seed(123)
    before = torch.random.get_rng_state()
    again = train(MLP, digits, SHORT)
    assert torch.equal(before, torch.random.get_rng_state())
    for a, b in zip(trained.states, again.states, strict=True):
        assert all(torch.equal(a[key], b[key]) for key in a)
    assert not torch.equal(trained.states[0]["0.weight"], trained.states[1]["0.weight"])


def test_it_learns_and_shuffled_labels_do_not_generalise():
    data = load("digits", patterns=600)
    training = Training(copies=2, epochs=40, rate=3e-3)
    real = train(Model("simulate.copies.networks:mlp", {"depth": 3}), data, training)
    assert (real.accuracy > 0.99).all()
    assert (real.test_accuracy > 0.9).all()
    mixed = train(
        Model("simulate.copies.networks:mlp", {"depth": 3}), data, replace(training, labels="shuffled")
    )
    # 400 test images at chance: 0.1 + 5 standard deviations of 0.015.
    assert (mixed.test_accuracy < 0.175).all()
    assert (mixed.accuracy > 0.5).all()


def test_shuffles_are_permutations_of_each_copy_s_own():
    labels = np.arange(10).repeat(20)
    one, two = shuffled(labels, 0), shuffled(labels, 1)
    np.testing.assert_array_equal(np.sort(one), labels)
    np.testing.assert_array_equal(one, shuffled(labels, 0))
    assert (one != two).any()
    assert abs((one == labels).mean() - 0.1) < 0.11  # 5 standard deviations


def test_losses_by_hand():
    out = torch.tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])
    labels = torch.tensor([1, 0])
    expected = np.mean(
        [np.log(np.exp(row).sum()) - row[k] for row, k in zip(out.numpy(), labels, strict=True)]
    )
    assert cross_entropy(out, labels).item() == pytest.approx(expected, rel=1e-6)
    assert squares(out, labels).item() == pytest.approx((1 + 1 + 0.25 + 1 + 1 + 9) / 4)
    assert squares(out[:, 0], torch.tensor([0.0, 1.0])).item() == pytest.approx(0.5)


def test_what_cannot_be_trained_is_named(digits):
    with pytest.raises(InvalidInput, match=r"6 is a BatchNorm1d with momentum = None"):
        train(Model.of(Normed, momentum=None), digits, SHORT)
    with pytest.raises(InvalidInput, match=r"inputs of shape \(64,\) and their labels: Expected more than 1"):
        train(Normed, digits, replace(SHORT, batch=1))
    with pytest.raises(InvalidInput, match="lazy layers"):
        train(Model("torch.nn:LazyLinear", {"out_features": 10}), digits, SHORT)
    with pytest.raises(InvalidInput, match="no parameters to train"):
        train(nn.Identity, digits, SHORT)
    attention = Model("torch.nn:MultiheadAttention", {"embed_dim": 8, "num_heads": 2})
    with pytest.raises(InvalidInput, match=r"does not take inputs of shape \(64,\)"):
        train(attention, digits, SHORT)
    with pytest.raises(InvalidInput, match=r"does not take inputs of shape \(64,\)"):
        train(Model("simulate.copies.networks:mlp", {"inputs": 5}), digits, SHORT)
    with pytest.raises(Diverged, match="the loss of copy 0 is not finite; rate = 1e\\+20"):
        train(MLP, digits, replace(SHORT, optimizer="sgd", loss="squares", rate=1e20))
    for values, problem in (
        ({"copies": 0}, "copies = 0"), ({"rate": 0}, "rate = 0"), ({"labels": "none"}, "labels = 'none'"),
        ({"optimizer": "lbfgs"}, "'lbfgs' must be one of adam, sgd"), ({"loss": "x"}, "loss = 'x'"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match=problem):
            replace(SHORT, **values)


@pytest.mark.parametrize(
    ("name", "given", "problem"),
    [
        ("nothing", {}, "must be MODULE:FACTORY"),
        ("no.such.module:make", {}, "no.such.module cannot be imported"),
        ("simulate.copies.networks:nope", {}, "has no nope that can be called"),
        ("simulate.copies.networks:mlp", {"height": 3}, "unexpected keyword argument 'height'"),
        ("simulate.copies.networks:mlp", {"width": "wide"}, "cannot be made: "),
        ("simulate.copies.networks:mlp", {"depth": 0}, "depth = 0"),
        ("builtins:dict", {}, "made a dict, not a torch.nn.Module"),
    ],
)
def test_models_that_are_none(name, given, problem):
    with pytest.raises(InvalidInput, match=problem):
        Model(name, given).build()


def test_arguments_are_json_or_text():
    assert arguments(["a=3", "b=relu", "c=[1, 2]", "d=0.5"]) == {"a": 3, "b": "relu", "c": [1, 2], "d": 0.5}
    with pytest.raises(InvalidInput, match="model-arg = 'width' must be NAME=VALUE"):
        arguments(["width"])


def test_checkpoints_round_trip(trained, tmp_path):
    paths = trained.save(tmp_path)
    for path, state in zip(paths, trained.states, strict=True):
        assert all(torch.equal(MLP.load(path).state_dict()[key], state[key]) for key in state)
    told = json.loads((tmp_path / "training.json").read_text())
    assert told["model"] == MLP.name
    assert told["seed"] == 0
    with pytest.raises(InvalidInput, match="exists"):
        trained.save(tmp_path)
    torch.save({"epoch": 3, "state_dict": trained.states[0]}, tmp_path / "nested.pt")
    assert set(read_state(tmp_path / "nested.pt")) == set(trained.states[0])


class Bomb:
    """Unpickling it writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("how", ["torch", "pickle", "inside"])
def test_no_pickle_is_executed(tmp_path, how, trained):
    mark, path = tmp_path / "executed", tmp_path / "evil.pt"
    if how == "torch":
        torch.save(Bomb(mark), path)
    elif how == "inside":
        torch.save({**trained.states[0], "extra": Bomb(mark)}, path)
    else:
        path.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(InvalidInput, match=r"evil.pt is refused"):
        read_state(path)
    assert not mark.exists()
    torch.load(path, weights_only=False) if how != "pickle" else pickle.loads(path.read_bytes())
    assert mark.exists()  # the bomb is live: the check above can fail


def test_whole_modules_are_refused(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pt")
    with pytest.raises(InvalidInput, match="holds Python objects, which are never loaded"):
        read_state(tmp_path / "whole.pt")


@pytest.mark.filterwarnings("ignore::UserWarning")  # of torch, where odd tensors are made
def test_checkpoints_that_do_not_fit_are_named(tmp_path, trained):
    state = trained.states[0]
    path = tmp_path / "a.pt"

    def refused(content, problem):
        torch.save(content, path)
        with pytest.raises(InvalidInput, match=problem) as caught:
            check_state(MLP.build(), read_state(path), path)
        assert "a.pt" in str(caught.value)
        assert "\n" not in str(caught.value)

    refused({k: v for k, v in state.items() if k != "2.weight"}, r"lacks 2.weight of shape \(8, 8\)")
    refused({**state, "9.bias": torch.zeros(3)}, r"has 9.bias of shape \(3,\), which the model has not")
    refused(
        {**state, "2.weight": torch.zeros(8, 9)}, r"2.weight has shape \(8, 9\), the model wants \(8, 8\)"
    )
    refused({**state, "2.bias": torch.full((8,), torch.nan)}, "2.bias holds NaN")
    refused({**state, "2.bias": torch.full((8,), complex("nan"))}, "2.bias holds NaN")
    refused({**state, "2.bias": torch.ones(8) + 1j}, "2.bias holds complex numbers, the model real ones")
    big = torch.full((8,), 1e300, dtype=torch.float64)
    refused({**state, "2.bias": big}, "2.bias exceeds the model's torch.float32")
    for odd in (
        torch.ones(8).to_sparse(), torch.ones(8, 8).to_sparse_csr(), torch.empty(8, device="meta"),
        torch.quantize_per_tensor(torch.ones(8), 0.1, 0, torch.qint8), torch.ones(8).to(torch.float8_e4m3fn),
        torch.nested.nested_tensor([torch.ones(4), torch.ones(3)]),
    ):  # fmt: skip
        refused({**state, "2.bias": odd}, r"2.bias \(\w+, \w+\) is no plain tensor of numbers")
    refused({**state, "2.bias": 3}, "entry '2.bias' is a int, not a tensor")
    refused([state["2.bias"]], "holds a list, not a state_dict")
    refused({}, "holds a dict, not a state_dict")
    path.write_bytes(b"no torch file at all")
    with pytest.raises(InvalidInput, match="damaged or no torch file"):
        read_state(path)
    whole = tmp_path / "b.pt"
    torch.save(state, whole)
    whole.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(InvalidInput, match="damaged or no torch file"):
        read_state(whole)
    with pytest.raises(InvalidInput, match="does not exist"):
        read_state(tmp_path / "none.pt")
    with pytest.raises(InvalidInput, match="is a folder"):
        read_state(tmp_path)


def test_from_the_command_line(tmp_path, capsys):
    words = "train-copies --data digits --patterns 100 --test-patterns 20 --copies 2 --epochs 1"
    given = [*words.split(), "--model-arg", "width=6", "--model-arg", "depth=2", "--out", str(tmp_path / "c")]
    assert main(app, given) == 0
    assert "2 copies of simulate.copies.networks:mlp(width=6, depth=2)" in capsys.readouterr().out
    assert sorted(p.name for p in (tmp_path / "c").iterdir()) == ["copy-00.pt", "copy-01.pt", "training.json"]
    assert main(app, given) == 2
    assert "exists" in capsys.readouterr().err
