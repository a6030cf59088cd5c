"""A network by the name of what makes it, and its trained states, read with suspicion.

The factory is the user's own code and is imported as such. A checkpoint is data: it is read with
``weights_only=True`` alone, so that nothing in it is executed, and whatever is wrong with it is one line.
"""

import importlib
import inspect
import io
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deepglass.errors import DeepglassError, InvalidInput

NESTED = ("state_dict", "model_state_dict", "model")
"""Names under which training scripts put the state beside other things."""


PLAIN = (
    torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128,
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
)  # fmt: skip
"""What a checkpoint may hold: quantised, sparse and nested tensors are no parameters to compare."""


@dataclass(frozen=True)
class Model:
    """What makes a network.

    Attributes:
        name: ``MODULE:FACTORY``; a function or class that returns a ``torch.nn.Module``.
        arguments: by keyword, handed to it.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, model: "Model | str | Callable[..., nn.Module]", **arguments: Any) -> "Model":
        """From a model, its name, or a factory that is at hand (a function or class of a module)."""
        if isinstance(model, Model):
            return model
        if isinstance(model, str):
            return cls(model, arguments)
        return _Given(f"{model.__module__}:{model.__qualname__}", arguments, model)

    def factory(self) -> Callable[..., nn.Module]:
        """What is named; raises InvalidInput if it cannot be imported or is not called."""
        module, separator, attribute = self.name.partition(":")
        if not (module and separator and attribute):
            raise InvalidInput(f"model = {self.name!r} must be MODULE:FACTORY, such as mynets:make")
        try:
            found: Any = importlib.import_module(module)
        except ImportError as error:
            raise InvalidInput(f"model = {self.name!r}: {module} cannot be imported: {error}") from error
        for part in attribute.split("."):
            found = getattr(found, part, None)
        if not callable(found):
            raise InvalidInput(f"model = {self.name!r}: {module} has no {attribute} that can be called")
        made: Callable[..., nn.Module] = found
        return made

    def build(self, seed: int = 0) -> nn.Module:
        """A fresh network, its start drawn by ``seed``; torch's own stream is left as it was.

        Raises InvalidInput for arguments that the factory does not take, if it fails, and for what is no
        module.
        """
        factory = self.factory()
        try:
            inspect.signature(factory).bind(**self.arguments)
        except TypeError as error:
            raise InvalidInput(f"model = {self.name!r}: {error}") from error
        except ValueError:  # a factory that cannot say what it takes
            pass
        with streams_kept():
            torch.manual_seed(seed)
            try:
                module = factory(**self.arguments)
            except DeepglassError:
                raise
            except Exception as error:  # the user's own code
                raise InvalidInput(f"model = {self.name!r} cannot be made: {first_line(error)}") from error
        if not isinstance(module, nn.Module):
            raise InvalidInput(f"model = {self.name!r} made a {type(module).__name__}, not a torch.nn.Module")
        return module

    def load(self, path: str | Path) -> nn.Module:
        """The network in the state of a checkpoint, for evaluation; raises as :meth:`build`,
        :func:`read_state` and :func:`check_state`."""
        state = read_state(path)
        module = self.build()
        check_state(module, state, path)
        module.load_state_dict(state)
        return module.eval()

    def described(self) -> str:
        """As one line."""
        given = ", ".join(f"{k}={v!r}" for k, v in self.arguments.items())
        return f"{self.name}({given})"


@dataclass(frozen=True)
class _Given(Model):
    """A factory that need not be found by its name."""

    made: Callable[..., nn.Module] | None = None

    def factory(self) -> Callable[..., nn.Module]:
        assert self.made is not None
        return self.made


def streams_kept() -> AbstractContextManager[None]:
    """Torch's own streams of random numbers, of all devices in use, are left as they were."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
    kept: AbstractContextManager[None] = torch.random.fork_rng(devices=devices)
    return kept


def first_line(error: Exception) -> str:
    """What an error of somebody else's code says, in one line."""
    said = str(error).strip().splitlines()
    return said[0] if said else type(error).__name__


def arguments(words: Sequence[str]) -> dict[str, Any]:
    """``name=value`` words as arguments; a value is JSON where it can be, else text."""
    found = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not (separator and name.isidentifier()):
            raise InvalidInput(f"model-arg = {word!r} must be NAME=VALUE, such as width=64")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def read_state(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, on the CPU; nothing in the file is executed.

    A checkpoint is what ``torch.save(module.state_dict(), path)`` writes; one that holds it under one of the
    names in NESTED will do. Raises InvalidInput for a file that is missing, damaged, or holds something else.
    """
    source = Path(path)
    if not source.is_file():
        problem = "is a folder, not a file" if source.is_dir() else "does not exist"
        raise InvalidInput(f"checkpoint {source} {problem}")
    try:
        content = source.read_bytes()
    except OSError as error:
        raise InvalidInput(f"checkpoint {source} cannot be read: {error.strerror or error}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip, tar and torch raise many types on foreign bytes
        if "weights" in str(error).lower() and "global" in str(error).lower():
            why = "it holds Python objects, which are never loaded; save module.state_dict() alone"
        else:
            why = f"it is damaged or no torch file ({type(error).__name__})"
        raise InvalidInput(f"checkpoint {source} is refused: {why}") from error
    for name in NESTED:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(name), Mapping):
            loaded = loaded[name]
            break
    if not isinstance(loaded, Mapping) or not loaded:
        raise InvalidInput(f"checkpoint {source} holds a {type(loaded).__name__}, not a state_dict")
    for key, value in loaded.items():
        if not (isinstance(key, str) and isinstance(value, Tensor)):
            raise InvalidInput(
                f"checkpoint {source}: entry {key!r} is a {type(value).__name__}, not a tensor: no state_dict"
            )
        if value.is_nested or value.layout != torch.strided or value.is_meta or value.dtype not in PLAIN:
            kind = f"{value.dtype}, {value.layout}".replace("torch.", "")
            raise InvalidInput(f"checkpoint {source}: {key} ({kind}) is no plain tensor of numbers")
        if not value.isfinite().all():
            raise InvalidInput(f"checkpoint {source}: {key} holds NaN or infinity")
    return dict(loaded)


def check_state(module: nn.Module, state: Mapping[str, Tensor], path: str | Path) -> None:
    """Raise InvalidInput, naming file, key and shapes, if the state is not one of this network."""
    wanted = module.state_dict()
    missing, foreign = sorted(set(wanted) - set(state)), sorted(set(state) - set(wanted))
    if missing:
        shape = tuple(wanted[missing[0]].shape)
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        has = f"; it has {foreign[0]}" if foreign else ""
        raise InvalidInput(f"checkpoint {path} lacks {missing[0]} of shape {shape}{more}{has}")
    if foreign:
        shape = tuple(state[foreign[0]].shape)
        raise InvalidInput(f"checkpoint {path} has {foreign[0]} of shape {shape}, which the model has not")
    for key, tensor in wanted.items():
        if tensor.shape != state[key].shape:
            raise InvalidInput(
                f"checkpoint {path}: {key} has shape {tuple(state[key].shape)}, the model wants"
                f" {tuple(tensor.shape)}"
            )
        if state[key].is_complex() and not tensor.is_complex():
            raise InvalidInput(f"checkpoint {path}: {key} holds complex numbers, the model real ones")
        if not state[key].to(tensor.dtype).isfinite().all():
            raise InvalidInput(f"checkpoint {path}: {key} exceeds the model's {tensor.dtype}")
