"""Any module with its parameters as one flat row, many at once: energy, gradient, answers of its layers.

    U(theta) = loss(outputs, targets) + (lambda/2) |theta|^2

A state is (B, P): all parameters of the module in the order of ``named_parameters``, one after another. All
rows go through the module together (torch.func.functional_call under vmap).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from deepglass.errors import InvalidInput
from simulate.copies import hooks
from simulate.copies.attention import plain_attention
from simulate.copies.loss import Loss


class FlatModule:
    """See above. ``module`` is its own: its parameters and mode are not to be changed by others.

    Attributes:
        names: of the layers, in the order in which they answer.
    """

    def __init__(self, module: nn.Module, loss: Loss, names: Sequence[str]):
        self.module, self.loss = module.eval(), loss
        self.names = list(names)
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        self._shapes = {name: p.shape for name, p in module.named_parameters()}
        self._buffers = dict(module.named_buffers())
        self.weights = sum(p.numel() for p in module.parameters())
        self._slices = {name: self._slice(name) for name in self.names}

    def row(self) -> Tensor:
        """The module's own parameters, (P,)."""
        return torch.cat([p.detach().reshape(-1) for p in self.module.parameters()])

    def outputs(self, r: Tensor, x: Tensor) -> Tensor:
        """(B, M, ...) of states (B, P) on patterns (M, ...)."""
        with plain_attention():
            found: Tensor = vmap(lambda row: self._call(row, x), randomness="error")(r)
        return found

    def gradient(self, r: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """d loss/d theta of every state, (B, P); without lambda."""
        with plain_attention(), torch.enable_grad():
            found: Tensor = vmap(grad(lambda row: self.loss(self._call(row, x), y)))(r)
        return found.detach()

    def losses(self, outputs: Tensor, y: Tensor) -> Tensor:
        """(B,) of outputs (B, M, ...), without lambda."""
        found: Tensor = vmap(lambda out: self.loss(out, y))(outputs)
        return found

    def neurons(self, r: Tensor, x: Tensor) -> list[Tensor]:
        """Answers of the layers on patterns, (B, n) each: all units, places and patterns in one row."""
        with hooks.listening(self.module) as seen, plain_attention():

            def one(row: Tensor) -> list[Tensor]:
                seen.clear()
                self._call(row, x)
                return [seen[name][1].reshape(-1) for name in self.names]

            found: list[Tensor] = vmap(one)(r)
            seen.clear()
        return found

    def layers(self, r: Tensor) -> list[Tensor]:
        """Weights of the layers, (B, n) each: views of states."""
        return [r[:, part] for part in self._slices.values()]

    def _call(self, row: Tensor, x: Tensor) -> Tensor:
        parts = torch.split(row, [shape.numel() for shape in self._shapes.values()])
        parameters = {k: v.view(s) for (k, s), v in zip(self._shapes.items(), parts, strict=True)}
        out: Tensor = functional_call(self.module, (parameters, self._buffers), (x,))
        return out

    def _slice(self, name: str) -> slice:
        """Where the weights of a layer lie in a row: they are rows of one parameter."""
        weight = hooks.weight_of(self.module, name)
        if weight is None:
            raise InvalidInput(f"layer {name} has no weights")
        begin = 0
        for parameter in self.module.parameters():
            offset = weight.data_ptr() - parameter.data_ptr()
            if 0 <= offset < parameter.numel() * parameter.element_size():
                first = begin + offset // parameter.element_size()
                return slice(first, first + weight.numel())
            begin += parameter.numel()
        raise InvalidInput(
            f"weights of layer {name} are no parameter of the network (parametrised, quantised)"
        )


def layer_names(module: nn.Module, x: Tensor) -> list[str]:
    """Layers with weights, in the order in which they answer to patterns; raises InvalidInput if they do not
    take them."""
    return [answer.name for answer in hooks.answers(module, x)[0]]
