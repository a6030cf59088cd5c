"""What a run is, as data: all parameters of one simulation, checked once, and the times it measures at."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from deepglass import checks
from deepglass.errors import InvalidInput
from simulate.dynamics.langevin import Langevin
from simulate.systems.thermal_machine import C_SCALES, STARTS

DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True)
class Protocol:
    """Parameters of a thermal-machine run. Raises InvalidInput naming the value that cannot be.

    Lengths are in layers and neurons, times in MD steps, temperature in units of energy (k_B = 1).

    Attributes:
        data: "digits", "mnist", "random", "teacher", a .npz file or a folder of IDX files.
        data_dir: where MNIST lies; None: $DEEPGLASS_DATA, else download.
        classes: labels to use, None: 0 and 1 (digits, mnist) or all (own data).
        threshold: a pixel above it is +1; None: half-way for the source.
        depth, width, patterns: L, N, M; alpha = M/N.
        temperature: T >= 0.
        steps: all steps from 0.  waiting_time: t_w, where each sample is split into replicas.
        samples, replicas: independent starts, and copies of each at t_w.
        seed: of everything random.  start: "small" or "uniform".
        dt, eta, thermostat: see :class:`simulate.dynamics.langevin.Langevin`.
        c_scale: "1" or "inv-sqrt".
        device: "auto" (CUDA where there is one), "cpu" or "cuda".
        precision: of the particles, "float32" or "float64".
        threads: CPU threads of the matrix products. One is the default: threads that meet several
            times a step lose more than they win unless the layers are large and the cores idle.
        per_decade: measurement times per decade of t.
    """

    data: str = "digits"
    data_dir: str | None = None
    classes: tuple[int, ...] | None = None
    threshold: float | None = None
    depth: int = 10
    width: int = 10
    patterns: int = 240
    temperature: float = 1e-5
    steps: int = 20_000
    waiting_time: int = 10_000
    samples: int = 4
    replicas: int = 4
    seed: int = 0
    start: str = "small"
    dt: float = 0.01
    eta: float = 1e-3
    thermostat: str = "per-step"
    c_scale: str = "1"
    device: str = "auto"
    precision: str = "float32"
    threads: int = 1
    per_decade: int = 8

    def __post_init__(self) -> None:
        def store(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        for name in ("depth", "width", "patterns", "steps", "samples", "replicas", "per_decade"):
            store(name, checks.integer(name, getattr(self, name), 1))
        store("seed", checks.integer("seed", self.seed, 0))
        store("threads", checks.integer("threads", self.threads, 1, os.cpu_count() or 1))
        store("waiting_time", checks.integer("waiting_time", self.waiting_time, 0))
        if self.waiting_time >= self.steps:
            raise InvalidInput(
                f"waiting_time = {self.waiting_time} must be inside the run: 0 <= t_w < steps = {self.steps}"
            )
        store("temperature", checks.real("temperature", self.temperature, at_least=0))
        if self.threshold is not None:
            store("threshold", checks.real("threshold", self.threshold))
        if self.classes is not None:
            labels = self.classes if isinstance(self.classes, Sequence) else (self.classes,)
            store("classes", tuple(checks.integer("classes", label, -checks.LARGEST) for label in labels))
        store("data", os.fspath(self.data))
        if self.data_dir is not None:
            store("data_dir", os.fspath(self.data_dir))
        self.law()
        checks.one_of("start", self.start, STARTS)
        checks.one_of("c_scale", self.c_scale, C_SCALES)
        checks.one_of("device", self.device, DEVICES)
        checks.one_of("precision", self.precision, PRECISIONS)
        if self.device == "cuda" and not torch.cuda.is_available():
            raise InvalidInput("device = 'cuda' but this machine has no CUDA device; use cpu or auto")

    def law(self) -> Langevin:
        """The law of motion; raises InvalidInput for a dt, eta or thermostat that cannot be."""
        return Langevin(self.dt, self.eta, self.thermostat)

    @property
    def alpha(self) -> float:
        """Storage ratio M/N."""
        return self.patterns / self.width

    def torch_device(self) -> torch.device:
        """The device the run uses."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)

    def times(self) -> NDArray[np.int64]:
        """Log-spaced measurement times from 0 to ``steps``, strictly increasing.

        One grid serves both clocks: steps since the start (one-time observables) and steps since t_w
        (two-time ones); it therefore holds ``steps``, ``t_w`` and ``steps - t_w``, and 1 and 2.
        """
        decades = np.log10(self.steps)
        grid = np.rint(10 ** np.linspace(0, decades, int(np.ceil(decades * self.per_decade)) + 1))
        exact = [0, 1, 2, self.waiting_time, self.steps - self.waiting_time, self.steps]
        times = np.unique(np.concatenate([grid.astype(np.int64), exact]))
        return times[times <= self.steps]
