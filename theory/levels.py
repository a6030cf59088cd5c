"""Chains with a hierarchy of overlaps, whatever the closure: levels, derivatives in them, packed unknowns."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from theory import terms
from theory.closures import Closure, Moments
from theory.gaussian import Array
from theory.overlaps import Support
from theory.potentials import Potential
from theory.spherical import Sphere


@dataclass(frozen=True)
class Dual:
    """A quantity of every level (K,) with its derivative in the N unknowns (K, N)."""

    value: Array
    slope: Array

    def __mul__(self, other: "Dual") -> "Dual":
        """Level by level."""
        slope = self.value[:, None] * other.slope + other.value[:, None] * self.slope
        return Dual(self.value * other.value, slope)

    def __add__(self, other: "Dual") -> "Dual":
        """Level by level."""
        return Dual(self.value + other.value, self.slope + other.slope)

    def times(self, factor: float) -> "Dual":
        """A multiple."""
        return Dual(factor * self.value, factor * self.slope)


@dataclass(frozen=True)
class Levels:
    """Overlaps of all layers at all levels: ``q`` (L+1, k+1), boundaries 1, and ``Q`` (L, k+1)."""

    q: Array
    Q: Array


@dataclass(frozen=True)
class Image:
    """One undamped map: what went in, what came out, the single-site problems on the way.

    ``image``: packed overlaps, shape (N,). ``jacobian``: of the map, (N, N), or (N, 0) if not asked for.
    ``spheres``: of the computed bonds, by layer. ``eps``: fields (L+1, k+1).
    """

    levels: Levels
    image: Array
    jacobian: Array
    spheres: dict[int, Sphere]
    eps: Array


@dataclass(frozen=True)
class Solved:
    """What a chain says of a solution: overlaps, fields (L+1, k+1), entropy per N M and its derivative in the
    break points (k,), and the innermost moments that decide its stability.
    """

    levels: Levels
    eps: Array
    entropy: float
    slope: Array
    moments: Moments


Found = TypeVar("Found", bound=Image)


@dataclass(frozen=True)
class LevelChain(ABC, Generic[Found]):
    """A chain of ``depth`` weight layers on random data at storage ratio ``alpha``, break points ``m`` (k,).

    ``support``: which hidden layers are frozen; the overlaps of liquid ones are exactly 0 at every level.
    ``step``: grading of the field grids.
    """

    depth: int
    alpha: float
    potential: Potential
    m: Array
    support: Support
    step: float = terms.STEP

    @property
    @abstractmethod
    def closure(self) -> Closure:
        """The closure of its symmetric limit."""

    @property
    @abstractmethod
    def bonds(self) -> tuple[int, ...]:
        """Frozen weight layers that are computed."""

    @property
    @abstractmethod
    def hidden(self) -> tuple[int, ...]:
        """Frozen neuron layers that are computed."""

    @property
    def levels(self) -> int:
        """Number of values per layer, k + 1."""
        return int(self.m.size) + 1

    def growth(self, levels: Levels) -> Array:
        """Factor by which one map multiplies an infinitesimal overlap of hidden layers 1..L-1, shape (L-1,).

        A layer freezes first at its innermost level, between the innermost overlaps of its neighbours.
        """
        q = levels.q[:, -1]
        return self.closure.onset(self.potential, self.alpha, q[:-2], q[2:]).growth

    @property
    def unknowns(self) -> int:
        """N, the number of unknown overlaps."""
        return (len(self.bonds) + len(self.hidden)) * self.levels

    def pack(self, levels: Levels) -> Array:
        """The unknowns, shape (N,): weight layers first, each by level."""
        rows = [levels.Q[layer - 1] for layer in self.bonds] + [levels.q[layer] for layer in self.hidden]
        return np.concatenate(rows) if rows else np.zeros(0)

    @abstractmethod
    def unpack(self, x: Array) -> Levels:
        """All overlaps of packed unknowns (N,)."""

    @abstractmethod
    def evaluate(self, x: Array, jacobian: bool = True) -> Found:
        """One undamped map of packed overlaps ``x`` (N,), with its Jacobian."""

    @abstractmethod
    def entropy(self, found: Found) -> float:
        """The functional s/n per N M at independent overlaps and the fields of their map."""

    @abstractmethod
    def break_point_slope(self, found: Found) -> Array:
        """Derivative of the entropy in the break points at fixed overlaps and fields, shape (k,)."""

    @abstractmethod
    def moments(self, found: Found) -> Moments:
        """Of the innermost level, every layer: what :func:`theory.stability.replicon` asks for."""

    def solved(self, x: Array) -> Solved:
        """Everything about the solution at packed overlaps ``x`` (N,)."""
        found = self.evaluate(x, jacobian=False)
        slope = self.break_point_slope(found)
        return Solved(found.levels, found.eps, self.entropy(found), slope, self.moments(found))
