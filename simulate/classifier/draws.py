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
Orders = NDArray[np.int64]

CLASS = 1
"""The class whose test images order the hidden units (the paper's code)."""

TOGETHER = 64
"""Networks whose answers are computed at the same time."""


def draw(theta: Tensor, keys: noise.Keys, number: int) -> Tensor:
    """The ``number``-th configuration of every network: +-1 (B, N) in float64, for fields (B, N)."""
    chance = torch.special.ndtr(noise.normal(keys, number, theta.shape[1]).double()).to(theta.device)
    up: Tensor = chance < torch.sigmoid(theta.double())
    return 2 * up.double() - 1


def draws(run: xr.Dataset, count: int | None = None) -> xr.Dataset:
    """Configurations of a finished run of binary networks, with accuracies and their canonical forms.

    ``count`` of every network, by default as many as the run has measured. Returns a dataset of kind
    ``weights`` (docs/schema.md): ``weights`` int8 (configuration, weight), ``sample``, ``draw``,
    ``training_accuracy``, and with a test ``accuracy``; with hidden layers and test images of class 1 also
    ``orders`` of hidden units and the weights in these, ``canonical``. Raises InvalidInput for a run of
    another kind or without its state (``keep_state``), and if its data are not those it was trained on.

    >>> from simulate import ClassifierProtocol, draws, run
    >>> found = draws(run(ClassifierProtocol(width=4, components=5, steps=20, samples=5)), count=2)
    >>> found.sizes["configuration"], found.attrs["sizes"]
    (10, '5,4,4,10')
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
        ordering = test[0][:, test[1] == CLASS]
        if protocol.depth > 1 and ordering.shape[1]:
            orders = canonical_orders(network, drawn, ordering)
            variables["orders"] = (("configuration", "hidden_unit"), orders.astype(np.int16))
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
    if protocol.replicas > 1:
        raise InvalidInput(f"replicas = {protocol.replicas} of the run must be 1: samples are the networks")
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


def canonical_orders(network: BinaryNetwork, weights: Tensor, x: Tensor) -> Orders:
    """Units by falling mean pre-activation over points (inputs, P): (B, hidden units), layer after layer.

    Units with the same incoming weights tie, and stay in their order.
    """
    parts = []
    for i in range(0, len(weights), TOGETHER):
        hidden = network.fields(weights[i : i + TOGETHER], x)[:-1]
        parts.append(torch.cat([(-z.mean(2)).argsort(dim=1, stable=True) for z in hidden], dim=1))
    return torch.cat(parts).numpy()


def reordered(weights: Spins, network: BinaryNetwork, orders: Orders) -> Spins:
    """The same networks (B, N) with hidden units in these orders, as :func:`canonical_orders` gives them."""
    count, sizes = len(weights), network.sizes
    ends = np.cumsum(sizes[1:-1])
    fixed = [np.tile(np.arange(n), (count, 1)) for n in (sizes[0], sizes[-1])]
    units = [fixed[0], *np.split(orders, ends[:-1], axis=1), fixed[1]] if len(ends) else fixed
    layers = network.layers(torch.from_numpy(weights))
    rows = np.arange(count)[:, None, None]
    out = [
        layer.numpy()[rows, post[:, :, None], pre[:, None, :]].reshape(count, -1)
        for layer, pre, post in zip(layers, units, units[1:], strict=False)
    ]
    return np.concatenate(out, axis=1)


def packed(run: xr.Dataset) -> xr.Dataset:
    """The draws of a run in a small form along ``sample``, eight weights a byte; see :func:`unpacked`.

    Nothing of a run of real weights.
    """
    if run.attrs.get("synapses") != "binary":
        return xr.Dataset()
    found = draws(run)
    shape = (run.sizes["sample"], -1)
    bits = np.packbits(found["weights"].values > 0, axis=1)
    count = len(bits) // shape[0]
    small = {"bits": (("sample", "draw", "byte"), bits.reshape(shape[0], count, -1))}
    if "orders" in found:
        orders = found["orders"].values.reshape(shape[0], count, -1)
        small["orders"] = (("sample", "draw", "hidden_unit"), orders)
    return xr.Dataset(small, coords={"sample": run["sample"].values, "draw": np.arange(count)})


def unpacked(small: xr.Dataset, sizes: Sequence[int]) -> xr.Dataset:
    """Of kind ``weights`` again: ``weights``, ``canonical`` if units have an order, ``sample``, ``draw``."""
    network = BinaryNetwork(tuple(sizes))
    count = small.sizes["draw"]
    bits = small["bits"].values.reshape(small.sizes["sample"] * count, -1).astype(np.uint8)
    weights = (2 * np.unpackbits(bits, axis=1, count=network.weights).astype(np.int8) - 1).astype(np.int8)
    variables = {"weights": (("configuration", "weight"), weights)}
    if "orders" in small:
        orders = small["orders"].values.reshape(len(weights), -1).astype(np.int64)
        variables["canonical"] = (("configuration", "weight"), reordered(weights, network, orders))
    return xr.Dataset(
        variables,
        coords={
            "sample": ("configuration", np.repeat(small["sample"].values, count)),
            "draw": ("configuration", np.tile(small["draw"].values, small.sizes["sample"])),
        },
        attrs={
            "sizes": ",".join(map(str, sizes)),
            "what": f"{count} drawn of each of {small.sizes['sample']}",
        },
    )
