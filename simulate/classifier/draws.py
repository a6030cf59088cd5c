"""Weight configurations drawn from trained networks of binary weights; the canonical order of their units.

A weight is +1 with probability 1/(1 + e^-theta). Which configuration is the d-th of a network depends on
(seed, sample, d) alone.
"""

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from deepglass import checks
from deepglass.errors import InvalidInput
from simulate import noise
from simulate.classifier.protocol import ClassifierProtocol
from simulate.data import projected
from simulate.noise import Member
from simulate.systems.binary_network import BinaryNetwork
from simulate.systems.softmax import score

Spins = NDArray[np.int8]

CLASS = 1
"""The class whose test images order the hidden units (the paper's code)."""

TOGETHER = 64
"""Networks whose answers are computed at the same time."""


def draw(theta: Tensor, keys: noise.Keys, number: int) -> Tensor:
    """The ``number``-th configuration of every network: +-1 (B, N) in float64, for fields (B, N)."""
    chance = torch.special.ndtr(noise.normal(keys, number, theta.shape[1]).double()).to(theta.device)
    return 2 * (chance < torch.sigmoid(theta.double())).double() - 1


def draws(run: xr.Dataset, count: int | None = None) -> xr.Dataset:
    """Configurations of a finished run of binary networks, with accuracies and their canonical forms.

    ``count`` of every network, by default as many as the run has measured. Returns a dataset of kind
    ``weights`` (docs/schema.md): ``weights`` and ``canonical`` int8 (configuration, weight), ``sample``,
    ``draw`` and ``accuracy`` on the test, ``training_accuracy``. Raises InvalidInput for a run of another
    kind or without its state (``keep_state``), and if its data are not those it was trained on.
    """
    protocol = _protocol(run)
    number = protocol.draws if count is None else checks.integer("count", count, 1)
    network = BinaryNetwork(protocol.sizes)
    data = loaded(protocol)
    if data.sha256 != run.attrs["data_sha256"]:
        raise InvalidInput(
            f"the data are not those of the run ({run.attrs['data_source']}), now: {data.source}"
        )
    last = run["state_r"].isel(t_w=-1, replica=0)
    theta = torch.from_numpy(last.values[:, : network.weights]).double()
    samples = [int(s) for s in run["sample"].values]
    keys = noise.keys(protocol.seed, [Member(s) for s in samples], noise.DRAWS)
    drawn = torch.stack([draw(theta, keys, k) for k in range(number)], dim=1).flatten(0, 1)
    test = torch.from_numpy(data.test_inputs), torch.from_numpy(data.test_labels).long()
    training = torch.from_numpy(data.inputs), torch.from_numpy(data.labels).long()
    weights = drawn.numpy().astype(np.int8)
    variables = {
        "weights": (("configuration", "weight"), weights),
        "training_accuracy": ("configuration", accuracies(network, drawn, *training)),
    }
    if protocol.test_patterns:
        variables["accuracy"] = ("configuration", accuracies(network, drawn, *test))
        if protocol.depth > 1:
            orders = canonical_orders(network, drawn, test[0][:, test[1] == CLASS])
            variables["canonical"] = (("configuration", "weight"), reordered(weights, network, orders))
    return xr.Dataset(
        variables,
        coords={
            "sample": ("configuration", np.repeat(samples, number)),
            "draw": ("configuration", np.tile(np.arange(number), len(samples))),
        },
        attrs={
            "sizes": ",".join(map(str, protocol.sizes)),
            "what": f"{number} drawn of each of {len(samples)} networks, {protocol.steps} steps",
            "protocol": run.attrs["protocol"],
            **{name: run.attrs[name] for name in ("run_id", "data_source", "data_sha256")},
        },
    )


def _protocol(run: xr.Dataset) -> ClassifierProtocol:
    if run.attrs.get("system") != ClassifierProtocol.system:
        raise InvalidInput(f"a run of {run.attrs.get('system')}, must be of {ClassifierProtocol.system}")
    protocol = ClassifierProtocol.from_json(str(run.attrs["protocol"]))
    if protocol.synapses != "binary":
        raise InvalidInput(f"synapses = {protocol.synapses} of the run must be binary")
    if "state_r" not in run:
        raise InvalidInput("the run does not hold its state: run it with keep_state")
    return protocol


def loaded(protocol: ClassifierProtocol) -> projected.Projected:
    """The data of a run; raises InvalidInput if their labels are not as many as the outputs."""
    data = projected.classified(
        protocol.data, patterns=protocol.patterns, test_patterns=protocol.test_patterns,
        components=protocol.components, seed=protocol.seed, shuffled=protocol.labels == "shuffled",
        data_dir=protocol.data_dir,
    )  # fmt: skip
    if len(data.classes) != protocol.outputs:
        raise InvalidInput(
            f"outputs = {protocol.outputs} must be {len(data.classes)}, the labels of {protocol.data}"
        )
    return data


def accuracies(network: BinaryNetwork, weights: Tensor, x: Tensor, targets: Tensor) -> NDArray[np.float64]:
    """Fractions of the patterns (inputs, P) that deterministic networks (B, N) put into their classes."""
    parts = [
        score(network.outputs(weights[i : i + TOGETHER], x), targets)[1]
        for i in range(0, len(weights), TOGETHER)
    ]
    return torch.cat(parts).numpy()


def canonical_orders(network: BinaryNetwork, weights: Tensor, x: Tensor) -> list[NDArray[np.int64]]:
    """Of every hidden layer, its units (B, units) by falling mean pre-activation over points (inputs, P)."""
    found: list[list[NDArray[np.int64]]] = [[] for _ in network.shapes[:-1]]
    for i in range(0, len(weights), TOGETHER):
        for layer, z in zip(found, network.fields(weights[i : i + TOGETHER], x)[:-1], strict=True):
            layer.append((-z.mean(2)).argsort(dim=1, stable=True).numpy())
    return [np.concatenate(layer) for layer in found]


def reordered(weights: Spins, network: BinaryNetwork, orders: Sequence[NDArray[np.int64]]) -> Spins:
    """The same networks (B, N) with the units of hidden layers in these orders."""
    rows = np.arange(len(weights))[:, None, None]
    out, start = [], 0
    for k, (units, inputs) in enumerate(network.shapes):
        layer = weights[:, start : start + units * inputs].reshape(-1, units, inputs)
        start += units * inputs
        post = orders[k] if k < len(orders) else np.tile(np.arange(units), (len(weights), 1))
        pre = orders[k - 1] if k > 0 else np.tile(np.arange(inputs), (len(weights), 1))
        out.append(layer[rows, post[:, :, None], pre[:, None, :]].reshape(len(weights), -1))
    return np.concatenate(out, axis=1)
