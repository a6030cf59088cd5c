"""K copies of one network trained at once: one batched model, each copy with its own start and order.

Parameters of all copies are stacked (torch.func.stack_module_state) and every step is one vectorised forward
and backward pass; so are their buffers, which a forward pass may change (BatchNorm's running statistics). SGD
and Adam act element by element, so that copies do not see each other: a copy trained in a batch is the copy
trained alone, up to the rounding of batched matrix products. What is random about a copy (start, order of the
patterns, shuffle of the labels) follows from its own seed alone, on whatever device it is trained.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from deepglass import checks, files
from deepglass.errors import Diverged, InvalidInput
from simulate import noise
from simulate.copies import loss as losses
from simulate.copies.attention import plain_attention
from simulate.copies.data import Labelled
from simulate.copies.models import Model, first_line, streams_kept
from simulate.dynamics.descent import Orders
from simulate.noise import Member
from simulate.protocol import device_here

OPTIMIZERS = ("adam", "sgd")
LABELS = ("own", "shuffled")
SHUFFLE = int.from_bytes(b"copy")
TOGETHER = 1024
"""Patterns whose answers are computed at the same time after the training."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Training:
    """How copies are trained. Raises InvalidInput naming the value that cannot be.

    Attributes:
        copies: K.
        epochs, batch: passes over the patterns, and patterns of one step; an incomplete last one is left out.
        optimizer, rate: "adam" or "sgd", and its step.
        momentum: of SGD.
        weight_decay: as torch's optimizers have it.
        labels: "own", or "shuffled": permuted among the training patterns, of every copy in another way.
        loss: "cross-entropy" or "squares", see :mod:`simulate.copies.loss`.
        seed: copy k has seed ``seed + k``.
    """

    copies: int = 8
    epochs: int = 50
    batch: int = 64
    optimizer: str = "adam"
    rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    labels: str = "own"
    loss: str = "cross-entropy"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("copies", "batch"):
            checks.integer(name, getattr(self, name), 1)
        for name in ("epochs", "seed"):
            checks.integer(name, getattr(self, name), 0)
        checks.real("rate", self.rate, above=0)
        checks.real("momentum", self.momentum, at_least=0, at_most=1)
        checks.real("weight_decay", self.weight_decay, at_least=0)
        checks.one_of("optimizer", self.optimizer, OPTIMIZERS)
        checks.one_of("labels", self.labels, LABELS)
        checks.one_of("loss", self.loss, losses.LOSSES)

    @property
    def seeds(self) -> list[int]:
        """Of the copies."""
        return [self.seed + k for k in range(self.copies)]


@dataclass(frozen=True, eq=False)
class Trained:
    """Trained copies.

    Attributes:
        model, training: what was trained, and how.
        states: the state_dict of every copy.
        history: (epochs, K), mean loss of the batches of an epoch.
        accuracy: (K,), of the training patterns with the labels that were trained on.
        test_accuracy: (K,), of the test patterns; missing without any.
    """

    model: Model
    training: Training
    states: list[dict[str, Tensor]]
    history: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    test_accuracy: NDArray[np.float64]

    def modules(self) -> list[nn.Module]:
        """The copies as networks."""
        found = []
        for state in self.states:
            module = self.model.build()
            module.load_state_dict(state)
            found.append(module.eval())
        return found

    def save(self, folder: str | Path, overwrite: bool = False) -> list[Path]:
        """``copy-00.pt``, ... and ``training.json`` in ``folder``; raises InvalidInput if they are there."""
        paths = [Path(folder) / f"copy-{k:02d}.pt" for k in range(len(self.states))]
        about = Path(folder) / "training.json"
        for path in (*paths, about):
            files.check_target(path, overwrite)
        for path, state in zip(paths, self.states, strict=True):
            buffer = io.BytesIO()
            torch.save(state, buffer)
            files.write_bytes(path, buffer.getvalue(), overwrite)
        told = {
            "model": self.model.name, "arguments": dict(self.model.arguments), **asdict(self.training),
            "accuracy": self.accuracy.tolist(), "test_accuracy": _known(self.test_accuracy),
        }  # fmt: skip
        files.write_bytes(about, (json.dumps(told, indent=1, default=str) + "\n").encode(), overwrite)
        return paths


def train(
    model: Model | str | Callable[..., nn.Module], data: Labelled, training: Training | None = None,
    progress: Progress | None = None, device: str = "cpu",
) -> Trained:  # fmt: skip
    """Train K copies of ``model`` on ``data``; ``progress`` is told the epochs done and all epochs.

    ``device``: "cpu", "cuda" or "auto"; what is returned lies on the CPU. Raises InvalidInput for a network
    that cannot be batched or does not take the data, Diverged if a loss is no longer finite.
    """
    training = Training() if training is None else training
    model, place = Model.of(model), device_here(device)
    modules = [model.build(seed).to(place) for seed in training.seeds]
    together = Together.of(modules, training.loss)
    x, y = together.patterns(data.inputs), _labels(data, training).to(place)
    size = min(training.batch, len(x))
    tried = min(size, 2)
    together.try_on(x[:tried], y[:, :tried])
    optimizer = _optimizer(training, together.parameters)
    keys = np.concatenate([noise.keys(s, [Member(0)], noise.BATCHES) for s in training.seeds])
    orders = Orders(keys, len(x))
    rows = torch.arange(training.copies, device=place)[:, None]
    history = np.full((training.epochs, training.copies), np.nan)
    with streams_kept():
        torch.manual_seed(training.seed)  # of dropout, where there is any
        for epoch in range(training.epochs):
            order, seen = orders.of(epoch).to(place), []
            for begin in range(0, len(x) - size + 1, size):
                chosen = order[:, begin : begin + size]
                optimizer.zero_grad()
                each = together.losses(x[chosen], y[rows, chosen])
                each.sum().backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                seen.append(each.detach())
            history[epoch] = torch.stack(seen).mean(0).double().cpu().numpy()
            if not np.isfinite(history[epoch]).all():
                bad = int(np.flatnonzero(~np.isfinite(history[epoch]))[0])
                raise Diverged(
                    f"epoch {epoch}: the loss of copy {bad} is not finite; rate = {training.rate:g} is too"
                    " large"
                )
            if progress is not None:
                progress(epoch + 1, training.epochs)
    together.write_back(modules)
    tested, wanted = together.patterns(data.test_inputs), torch.from_numpy(data.test_labels).to(place)
    states = [{k: v.cpu().clone() for k, v in m.state_dict().items()} for m in modules]
    return Trained(
        model, training, states, history,
        together.accuracy(x, y), together.accuracy(tested, wanted.expand(training.copies, -1)),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Together:
    """Copies as one batched network.

    Attributes:
        base: a copy whose own parameters and buffers are not used.
        parameters, buffers: of all copies, (K, ...) each, on one device; buffers change as a forward pass in
            training mode changes them.
        loss: of one copy.
    """

    base: nn.Module
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]
    loss: losses.Loss

    @classmethod
    def of(cls, modules: list[nn.Module], loss: str | losses.Loss) -> "Together":
        """Stacks them; raises InvalidInput for networks that cannot be."""
        for name, part in modules[0].named_modules():
            norm = isinstance(part, nn.modules.batchnorm._NormBase)
            if norm and part.track_running_stats and part.momentum is None:
                raise InvalidInput(
                    f"{name or 'the model'} is a {type(part).__name__} with momentum = None, with which"
                    " copies cannot be trained at once; give it a momentum, such as 0.1"
                )
        own = list(modules[0].parameters())
        if any(isinstance(p, nn.parameter.UninitializedParameter) for p in own):
            raise InvalidInput("the model has lazy layers, whose sizes are not known: name their sizes")
        if not any(p.requires_grad for p in own):
            raise InvalidInput("the model has no parameters to train")
        parameters, buffers = stack_module_state(modules)
        return cls(modules[0], parameters, buffers, losses.named(loss))

    def patterns(self, inputs: NDArray[Any]) -> Tensor:
        """Inputs in the precision of the parameters, and where they are."""
        kind = next((p for p in self.parameters.values() if p.is_floating_point()), torch.empty(0))
        return torch.from_numpy(inputs).to(kind.device, kind.dtype)

    def outputs(self, x: Tensor, own: bool) -> Tensor:
        """(K, M, ...) of patterns (M, ...), or, if each copy has its own, (K, M, ...)."""

        def one(p: dict[str, Tensor], b: dict[str, Tensor], x: Tensor) -> Tensor:
            out: Tensor = functional_call(self.base, (p, b), (x,))
            return out

        # Fused attention cannot be batched over copies: they would go one by one.
        with plain_attention():
            found: Tensor = vmap(one, in_dims=(0, 0, 0 if own else None), randomness="different")(
                self.parameters, self.buffers, x
            )
        return found

    def losses(self, x: Tensor, y: Tensor) -> Tensor:
        """(K,) of the copies, each on patterns of its own."""
        found: Tensor = vmap(self.loss)(self.outputs(x, own=True), y)
        return found

    def try_on(self, x: Tensor, y: Tensor) -> None:
        """Raise InvalidInput, before any work, if the network or the loss does not take the patterns; nothing
        is changed."""
        tried = replace(self, buffers={name: x.clone() for name, x in self.buffers.items()})
        try:
            with torch.no_grad(), streams_kept():
                tried.losses(x.expand(len(y), *x.shape), y)
        except Exception as error:  # the user's own code
            raise InvalidInput(
                f"the model does not take inputs of shape {tuple(x.shape[1:])} and their labels:"
                f" {first_line(error)}"
            ) from error

    def accuracy(self, x: Tensor, y: Tensor) -> NDArray[np.float64]:
        """(K,), the share of patterns whose largest output is at the label; missing without patterns."""
        if not len(x):
            return np.full(len(y), np.nan)
        mode = self.base.training
        self.base.eval()
        hits = torch.zeros(len(y), dtype=torch.float64, device=y.device)
        with torch.no_grad():
            for i in range(0, len(x), TOGETHER):
                out = self.outputs(x[i : i + TOGETHER], own=False).argmax(-1)
                hits += (out == y[:, i : i + TOGETHER]).double().sum(1)
        self.base.train(mode)
        return np.asarray((hits / len(x)).cpu().numpy())

    def write_back(self, modules: list[nn.Module]) -> None:
        """Give every copy its parameters and buffers."""
        with torch.no_grad():
            for k, module in enumerate(modules):
                for name, parameter in module.named_parameters():
                    parameter.copy_(self.parameters[name][k])
                for name, buffer in module.named_buffers():
                    buffer.copy_(self.buffers[name][k])


def shuffled(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Labels in another order, that of a copy's seed."""
    stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(SHUFFLE,)))
    return np.asarray(stream.permutation(labels))


def _labels(data: Labelled, training: Training) -> Tensor:
    """(K, M)."""
    if training.labels == "own":
        return torch.from_numpy(data.labels).expand(training.copies, -1)
    return torch.from_numpy(np.stack([shuffled(data.labels, seed) for seed in training.seeds]))


def _optimizer(training: Training, parameters: Mapping[str, Tensor]) -> torch.optim.Optimizer:
    own: dict[str, Any] = {"lr": training.rate, "weight_decay": training.weight_decay}
    if training.optimizer == "adam":
        return torch.optim.Adam(list(parameters.values()), **own)
    return torch.optim.SGD(list(parameters.values()), momentum=training.momentum, **own)


def _known(values: NDArray[np.float64]) -> list[float | None]:
    return [float(x) if np.isfinite(x) else None for x in values]
