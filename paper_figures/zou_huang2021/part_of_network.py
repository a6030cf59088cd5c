"""What is known of the weights of a part of a network: all that inference looks at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepglass import checks
from deepglass.errors import InvalidInput
from theory.inverse_ising import IsingModel, Moments, parts, permutation_average, permuted, sample_moments

Spins = NDArray[np.int8]

TRUTH = "truth"
"""Name of a given model that the configurations were drawn from."""

LEVELS = ("Eh", "Em", "El")
"""Energies of the references: high, middle, low."""

MOVES = 0.999
"""A spin moves if its |m| is no more than this."""


@dataclass(frozen=True, eq=False)
class Part:
    """What is known of the weights of a part of a network; the only input of :func:`infer`.

    ``moments`` are fitted; ``samples`` (S, N) are those behind them and ``unseen`` (S', N) others, None where
    there are moments only. ``references``: configurations (K, N) by level; none: they are chosen from
    ``unseen`` by energy. ``models``: given by somebody else, judged with the fits.
    """

    label: str
    part: str
    sizes: tuple[int, ...]
    moments: Moments = field(repr=False)
    samples: Spins | None = field(default=None, repr=False)
    unseen: Spins | None = field(default=None, repr=False)
    references: Mapping[str, Spins] = field(default_factory=dict, repr=False)
    models: Mapping[str, IsingModel] = field(default_factory=dict, repr=False)

    def of(self, where: Any, part: str) -> "Part":
        """Some of its spins; given models are of all and stay behind."""
        return replace(
            self,
            part=part,
            moments=self.moments.part(where),
            samples=None if self.samples is None else self.samples[:, where],
            unseen=None if self.unseen is None else self.unseen[:, where],
            references={level: rows[:, where] for level, rows in self.references.items()},
            models={},
        )


def moving(ensemble: Part) -> Part:
    """The spins that move, those of |m| <= 0.999; in given models the others are clamped to their means."""
    m = ensemble.moments.m
    free = np.abs(m) <= MOVES
    clamped = {
        f"{name}.clamped": IsingModel(
            model.J[np.ix_(free, free)], model.h[free] + model.J[np.ix_(free, ~free)] @ np.sign(m[~free])
        )
        for name, model in ensemble.models.items()
    }
    return replace(ensemble.of(free, "moving"), models=clamped)


def ensembles(
    label: str,
    sizes: Sequence[int],
    weights: ArrayLike,
    *,
    unseen: float = 0.2,
    symmetric: bool | None = None,
    seed: int = 0,
) -> list[Part]:
    """All parts of an ensemble of weights (S, N), rows of one network side by side.

    The last share ``unseen`` is left out of the fits. symmetric: whether hidden units are exchangeable (by
    default if there are any): moments are averaged over their permutations, and samples permuted at random. A
    network without hidden layer gives all spins and those that move. Raises InvalidInput for weights that are
    no +-1 or of another number than ``sizes`` say.
    """
    s = np.asarray(weights)
    where = parts(sizes)
    count = where["full"].stop
    if s.ndim != 2 or s.shape[1] != count or np.any(np.abs(s) != 1):
        raise InvalidInput(f"weights of {tuple(sizes)} must be (S, {count}) of +-1, shape {s.shape}")
    share = checks.real("unseen", unseen, above=0.0, at_most=0.5)
    cut = len(s) - max(int(share * len(s)), 1)
    if cut < 2:
        raise InvalidInput(f"{len(s)} configurations are too few; give 10 or more")
    exchangeable = len(sizes) > 2 if symmetric is None else symmetric
    moments = sample_moments(s[:cut])
    if exchangeable:
        moments = permutation_average(moments, sizes)
        s = permuted(s, sizes, np.random.default_rng(seed))
    kept = s.astype(np.int8)
    whole = Part(label, "full", tuple(sizes), moments, kept[:cut], kept[cut:])
    if len(sizes) == 2:
        return [whole, moving(whole)]
    return [whole.of(place, part) for part, place in where.items()]
