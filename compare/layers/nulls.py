"""What overlaps are worth nothing: the same measures where the data have pinned nothing down.

* ``untrained``: copies of the same network as it starts. What the architecture and the inputs alone share.
* ``shuffled``: copies trained on labels in another order each. What the inputs alone pin down.
* ``alignment``: the trained copies, the answers of each to the probes in an order of its own, and the
  entries of each of its matrices of weights too. Sizes, scales and spectra of the answers stay; nothing is
  shared; what overlap there is after the alignment, the alignment has made. Best orders overfit: of unrelated
  layers of n units with m independent numbers each they make about sqrt(2 ln n/m).
* ``rotated``: the trained copies, the units of each layer mixed by a random rotation of every copy's own, the
  weights along with them. What the layers represent stays as alike as it was (CKA does not change), but there
  are no units any more: what overlap there is, any directions in as few dimensions have. A layer whose CKA is
  high and whose q is not beyond this null is pinned down up to rotations.

All go through the same alignment as the trained copies.
"""

from dataclasses import replace

import numpy as np
from scipy import stats

from compare.layers.copies import OUTSIDE, Array, Copies, Layer

TRAINED = "trained"
SAID = {
    "untrained": "untrained copies of the same network",
    "shuffled": "copies trained on shuffled labels",
    "alignment": "the trained copies with answers and weights out of order: what alignment alone makes",
    "rotated": "the trained copies, units mixed by random rotations: alike representations, no units",
}


def out_of_order(copies: Copies, seed: int = 0) -> Copies:
    """The null ``alignment``: the same numbers in an order of every copy's own."""
    return replace(copies, layers=tuple(_mixed(x, seed, place) for place, x in enumerate(copies.layers)))


def rotated(copies: Copies, seed: int = 0) -> Copies:
    """The null ``rotated``: units of every layer and copy mixed by a rotation (Haar), weights with them."""
    turns = [_turns(copies.count, x.units, seed, place) for place, x in enumerate(copies.layers)]
    return replace(
        copies, layers=tuple(_turned(x, turns, seed, place) for place, x in enumerate(copies.layers))
    )


def _turns(count: int, units: int, seed: int, place: int) -> list[Array]:
    spawn = [np.random.SeedSequence(seed, spawn_key=(place, k, 20)) for k in range(count)]
    return [
        np.asarray(stats.ortho_group.rvs(units, random_state=np.random.default_rng(s)))
        if units > 1
        else np.ones((1, 1))
        for s in spawn
    ]


def _turned(layer: Layer, turns: list[list[Array]], seed: int, place: int) -> Layer:
    own = turns[place]
    neurons = {p: np.stack([x @ r for x, r in zip(a, own, strict=True)]) for p, a in layer.neurons.items()}
    weights, inputs = layer.weights, layer.inputs
    if weights is not None:
        weights = np.stack([np.tensordot(r.T, w, 1) for w, r in zip(weights, own, strict=True)])
        if layer.fed_by != OUTSIDE:
            fed = layer.fed_by
            into = _turns(len(own), weights.shape[2], seed, 1000 + place) if fed is None else turns[fed]
            weights = np.stack(
                [np.einsum("nm...,mk->nk...", w, r) for w, r in zip(weights, into, strict=True)]
            )
            if inputs is not None:
                inputs = np.stack([x @ r for x, r in zip(inputs, into, strict=True)])
    return replace(layer, neurons=neurons, weights=weights, inputs=inputs)


def _mixed(layer: Layer, seed: int, place: int) -> Layer:
    def stream(k: int, purpose: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place, k, purpose)))

    neurons = {
        probe: np.stack([stream(k, purpose).permutation(x, axis=0) for k, x in enumerate(answers)])
        for purpose, (probe, answers) in enumerate(layer.neurons.items())
    }
    weights, inputs = layer.weights, layer.inputs
    if weights is not None:
        weights = np.stack(
            [stream(k, 10).permutation(x.reshape(-1)).reshape(x.shape) for k, x in enumerate(weights)]
        )
    if inputs is not None:
        inputs = np.stack([stream(k, 11).permutation(x, axis=0) for k, x in enumerate(inputs)])
    return replace(layer, neurons=neurons, weights=weights, inputs=inputs)
