"""Which unit is which, layer after layer, between two copies of a network.

By ``activations``: the units of a layer are matched where their centred answers to the training probes
overlap most, which makes the aligned q_l the largest that any order (and sign) gives. By ``weights``: the
orders of all hidden layers that bring the weights nearest (:func:`simulate.systems.permutations.matches`),
which wants layers that feed one another.

Columns of weights follow the units that feed them. Where these are the units of another layer, theirs is the
order; where they are not (after pooling, attention, a skip connection), they are matched by their own
answers, and by the weights alone where these are not known, with the weights also deciding among units that
do not answer.
"""

from collections.abc import Sequence

import numpy as np

from compare.layers.copies import OUTSIDE, Array, Copies, Layer
from compare.layers.overlaps import between, centred
from deepglass.errors import InvalidInput
from simulate.systems import permutations
from simulate.systems.permutations import Match

BY = ("activations", "weights")
TIE = 1e-6
"""Weight, beside answers, of the weights where units are matched by answers: it decides among dead units."""


def check(copies: Copies, by: str) -> None:
    """Raise InvalidInput if these copies cannot be matched so."""
    if by == "activations":
        return
    for place, layer in enumerate(copies.layers):
        wanted = place - 1 if place else OUTSIDE
        if layer.weights is None or layer.fed_by != wanted:
            raise InvalidInput(
                f"align = 'weights' wants layers that feed one another in a row; {layer.name} is not fed by"
                " the one before: use activations"
            )
    for layer in copies.layers[:-1]:
        if layer.fixed:
            raise InvalidInput(f"align = 'weights' cannot hold {layer.name} fixed: use activations")


def by_weights(copies: Copies, a: int, b: int) -> list[Match]:
    """Of every layer, which unit of copy b is which of copy a, by the weights of all."""
    ones, others = ([_wide(layer, k) for layer in copies.layers] for k in (a, b))
    signed = [layer.signed for layer in copies.layers[:-1]]
    found = permutations.matches(ones, others, starts=1, signed=signed)
    return [*found, Match.none(copies.layers[-1].units)]


def by_answers(layer: Layer, a: int, b: int, answers: Array) -> Match:
    """Of one layer, which unit of copy b is which of copy a; ``answers``: centred C_ab on training probes."""
    if layer.fixed:
        return Match.none(layer.units)
    gain = _unit(answers)
    if layer.weights is not None and layer.fed_by == OUTSIDE:
        gain = gain + TIE * _unit(_rows(layer, a) @ _rows(layer, b).T)
    return permutations.best(gain, layer.signed)


def inputs(copies: Copies, matched: Sequence[Match], place: int, a: int, b: int) -> Match | None:
    """Which of the units that feed a layer is which, given the units of the layers up to it; None: as they
    are."""
    layer = copies.layers[place]
    if layer.weights is None or layer.fed_by == OUTSIDE:
        return None
    if layer.fed_by is not None:
        return matched[layer.fed_by]
    first, second = _wide(layer, a), _wide(layer, b)
    second = second[matched[place].order] * matched[place].sign.reshape(-1, *[1] * (second.ndim - 1))
    m = first.shape[1]
    gain = _unit(first.swapaxes(0, 1).reshape(m, -1) @ second.swapaxes(0, 1).reshape(m, -1).T)
    if layer.inputs is not None:
        answers = between(*(centred(layer.inputs[k].astype(float)) for k in (a, b)))
        gain = _unit(answers) + TIE * gain
    return permutations.best(gain, layer.signed)


def _wide(layer: Layer, k: int) -> Array:
    assert layer.weights is not None
    return np.asarray(layer.weights[k], dtype=float)


def _rows(layer: Layer, k: int) -> Array:
    return _wide(layer, k).reshape(layer.units, -1)


def _unit(gain: Array) -> Array:
    largest = float(np.abs(gain).max(initial=0.0))
    return gain / largest if largest > 0 else gain
