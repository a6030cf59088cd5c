"""Where samples begin: a named law, or positions from a file.

A file is a finished run (``RUN.nc``, its state kept): sample s begins where replica 0 of the longest t_w
ended; or a NumPy array (``NAME.npy``) of shape (samples, P) whose row s is sample s, or (P,) for all.
All begin at rest. The order of the P particles is that of :mod:`simulate.systems.thermal_machine`.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from deepglass import schema
from deepglass.arrays import read_array
from deepglass.errors import InvalidInput
from simulate.systems.start_law import StartLaw
from simulate.systems.thermal_machine import ThermalMachine

SUFFIXES = (".nc", ".npy")


def is_law(start: object) -> bool:
    """Whether ``start`` names a law; raises InvalidInput if it is neither a law nor the name of a file."""
    if not isinstance(start, str):
        raise InvalidInput(f"start = {start!r} must be the name of a law, or of a file")
    if start.endswith(SUFFIXES):
        return False
    StartLaw.parse(start)
    return True


def positions(start: str, machine: ThermalMachine, seed: int, samples: range) -> torch.Tensor:
    """Positions (B, P) of ``samples``, which count from the first sample there is.

    Raises InvalidInput for a file that is missing, damaged, of another shape, or with positions outside
    (-1, 1).
    """
    if is_law(start):
        return machine.start(start, seed, samples)
    rows = _from_run(start, samples) if start.endswith(".nc") else _from_array(start, samples)
    if rows.shape[1] != machine.particles:
        raise InvalidInput(
            f"start file {start} has {rows.shape[1]} particles a machine, this one {machine.particles}"
        )
    if not (np.abs(rows) <= 1).all():  # NaN fails too
        raise InvalidInput(f"start file {start} has positions outside (-1, 1)")
    return torch.tensor(rows, dtype=machine.dtype, device=machine.device)


def _from_run(start: str, samples: range) -> NDArray[np.float64]:
    run = schema.read(start, "run")
    if "state_r" not in run:
        raise InvalidInput(f"start file {start} was written without its state (keep_state)")
    missing = [s for s in samples if s not in run["sample"]]
    if missing:
        raise InvalidInput(f"start file {start} has no sample {missing[0]}")
    last = run["state_r"].isel(t_w=-1, replica=0).sel(sample=list(samples))
    return np.asarray(last.transpose("sample", "particle"), dtype=float)


def _from_array(start: str, samples: range) -> NDArray[np.float64]:
    try:
        array = read_array(start)
    except InvalidInput as error:
        raise InvalidInput(f"start file {error}") from error
    if array.dtype.kind != "f" or array.ndim not in (1, 2):
        raise InvalidInput(f"start file {start} must hold floats of shape (P,) or (samples, P)")
    if array.ndim == 1:
        return np.asarray(np.tile(array, (len(samples), 1)), dtype=float)
    if samples.stop > len(array):
        raise InvalidInput(f"start file {start} has {len(array)} rows, sample {samples.stop - 1} has none")
    return np.asarray(array[samples.start : samples.stop], dtype=float)
