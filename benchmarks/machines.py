"""The machines that are measured: widths on the demo's digits, on MNIST, or on drawings as alike as those."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import roofline
from deepglass.errors import InvalidInput
from simulate.data import load
from simulate.data.mnist import ENVIRONMENT
from simulate.systems.thermal_machine import ThermalMachine, merge

DEPTH = 10
DEMO = (8, 240)  # N, M

Row = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """What is simulated: a width, on the demo's digits or on ``patterns`` images."""

    name: str
    width: int
    patterns: int
    data_dir: str | None

    @property
    def data(self) -> str:
        """Which patterns."""
        if self.name == "demo":
            return "digits"
        return "mnist" if self.data_dir or os.environ.get(ENVIRONMENT) else "synthetic"

    def machine(self, device: torch.device) -> ThermalMachine:
        """The machine of this size, float32."""
        return ThermalMachine(*signs(self), DEPTH, self.width, device=device)

    def description(self) -> Row:
        """What was used, for the record."""
        (patterns, inputs), outputs = signs(self)[0].shape, signs(self)[1].shape[1]
        flop = [
            roofline.flop(DEPTH, self.width, patterns, columns, outputs)
            for columns in (inputs, distinct(self))
        ]
        return {
            "data": self.data, "L": DEPTH, "N": self.width, "M": patterns, "N_0": inputs, "N_L": outputs,
            "distinct columns": distinct(self),
            "particles": ThermalMachine.count(DEPTH, self.width, patterns, inputs, outputs),
            "Mflop": flop[0] / 1e6, "strict Mflop": flop[1] / 1e6,
        }  # fmt: skip


@cache
def signs(size: Size) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Inputs (M, N_0) and outputs (M, N_L) of +-1."""
    if size.data == "synthetic":
        return drawings(size.patterns)
    data_dir = size.data_dir if size.data == "mnist" else None
    data = load(size.data, patterns=size.patterns, seed=0, width=size.width, depth=DEPTH, data_dir=data_dir)
    return data.inputs, data.outputs


@cache
def distinct(size: Size) -> int:
    """G, the columns of pixels that differ, up to sign."""
    return int(merge(signs(size)[0].T)[0].size)


def drawings(patterns: int, side: int = 28) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Rings and slanted strokes, in turn, of random size and place: pixels as alike as those of MNIST."""
    generator = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    images = []
    for mu in range(patterns):
        slant, pen = generator.normal(0, 0.25), generator.uniform(1, 2)
        right, down = generator.uniform(-1, 1, 2)
        u, v = x - right - slant * y, y - down
        if mu % 2:
            ink = (np.abs(u) < pen) & (np.abs(v) < generator.uniform(7, 8.5))
        else:
            a, b = generator.uniform((3.5, 6), (6.5, 8))
            ink = np.abs(np.hypot(u / a, v / b) - 1) * a < pen
        images.append(ink.ravel())
    labels = np.arange(patterns)[:, None] % 2 == np.arange(2)
    inputs, outputs = (np.where(x, 1, -1).astype(np.int8) for x in (np.array(images), labels))
    return inputs, outputs


def sizes_of(text: str, patterns: int, data_dir: str | None) -> list[Size]:
    """The sizes in a list such as ``demo,N=10``."""
    found = []
    for word in (word.strip() for word in text.split(",")):
        if word == "demo":
            found.append(Size(word, *DEMO, None))
        elif word.startswith("N=") and word[2:].isdecimal() and 0 < int(word[2:]) < 10**6:
            found.append(Size(word, int(word[2:]), patterns, data_dir))
        else:
            raise InvalidInput(f"sizes = {text!r} must be demo or N=..., separated by commas: demo,N=10")
    return found
