"""Small Ising systems that can be enumerated, exact samplers, and the authors' arrays where they are."""

import os
from pathlib import Path

import numpy as np
import pytest

from theory.inverse_ising import IsingModel, Moments, configurations, parts, probabilities

SIZES = (20, 15, 15, 10)
PART = {"LB": "input", "ITER": "interior", "RB": "output", "FULL": "full"}


def random_model(N, coupling, fields, seed=0):
    """Gaussian couplings of standard deviation ``coupling`` and fields of ``fields``."""
    rng = np.random.default_rng(seed)
    J = np.triu(coupling * rng.standard_normal((N, N)), 1)
    return IsingModel(J + J.T, fields * rng.standard_normal(N))


def tree_model(N, coupling, fields, seed=0):
    """Each spin coupled to one earlier one."""
    rng = np.random.default_rng(seed)
    J = np.zeros((N, N))
    for i in range(1, N):
        j = rng.integers(i)
        J[i, j] = J[j, i] = coupling * rng.standard_normal()
    return IsingModel(J, fields * rng.standard_normal(N))


def complete(N, coupling, field=0.0):
    """All pairs coupled equally (Curie-Weiss)."""
    return IsingModel(coupling * (1.0 - np.eye(N)), np.full(N, field))


def exact_sampler(S, seed=0):
    """Independent configurations by enumeration; a fresh set at every call."""
    rng = np.random.default_rng(seed)

    def sample(J, h):
        model = IsingModel(J, h)
        return configurations(model.N)[rng.choice(2**model.N, size=S, p=probabilities(model))]

    return sample


def gibbs_sampler(chains, sweeps, burn, seed=0):
    """Heat-bath chains from random starts; every second sweep after ``burn`` is kept."""
    rng = np.random.default_rng(seed)

    def sample(J, h):
        N = h.size
        s = rng.choice([-1.0, 1.0], size=(N, chains))
        kept = []
        for sweep in range(sweeps):
            thresholds = np.log(1.0 / rng.random((N, chains)) - 1.0)
            for i in range(N):
                s[i] = np.where(2.0 * (J[i] @ s + h[i]) > thresholds[i], 1.0, -1.0)
            if sweep >= burn and sweep % 2 == 0:
                kept.append(s.T.copy())
        return np.concatenate(kept)

    return sample


def reference(name):
    """One of the authors' files, or skip."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "reference" / "zou_huang_2021"
    path = Path(os.environ.get("DEEPGLASS_REFERENCE", beside)) / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"the authors' arrays are not here ({path})")
    return np.load(path)


def reference_model(name, part):
    data = reference(name)
    return IsingModel(data[f"J_{part}"], data[f"h_{part}"].ravel())


def reference_moments(name, part):
    data = reference(name)
    moments = Moments(data["mi_data"].ravel(), data["Ca_data"])
    return moments if name == "shallow" else moments.part(parts(SIZES)[PART[part]])


def reference_weights(key, part="FULL"):
    """Energies (20,) and weights (20, N) of stored configurations."""
    rows = reference("reference_weights")[key]
    where = slice(None) if key.endswith("sl") else parts(SIZES)[PART[part]]
    return rows[:, 0], rows[:, 2:][:, where]
