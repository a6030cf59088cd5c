"""Ensembles of +-1 whose correlations are known, for tests of liquid parts."""

import numpy as np

from theory.inverse_ising import (
    IsingModel,
    configurations,
    parts,
    probabilities,
)

SIZES = (5, 4, 3, 3)
N = 41


def complete(size, coupling, field=0.1):
    return IsingModel(coupling * (1 - np.eye(size)), np.full(size, field))


def glass(size, coupling, seed=1):
    rng = np.random.default_rng(seed)
    J = np.triu(coupling * rng.standard_normal((size, size)), 1)
    return IsingModel(J + J.T, 0.3 * rng.standard_normal(size))


def copies(model, blocks, S, rng):
    """(S, blocks N) of independent copies of an enumerated model, side by side."""
    chosen = rng.choice(2**model.N, size=(S, blocks), p=probabilities(model))
    return configurations(model.N)[chosen].reshape(S, -1)


def fair(rng, S, size=N):
    return rng.choice([-1.0, 1.0], size=(S, size))


def alone(S):
    return np.arange(S)


def latent(rng, S, sizes=SIZES, strength=0.8):
    """Signs of Gaussians that share a factor of each network: correlated, means not 0."""
    total = parts(sizes)["full"].stop
    pattern = np.random.default_rng(5).normal(size=total)
    return np.sign(rng.normal(size=(S, total)) + strength * rng.normal(size=(S, 1)) * pattern + 0.2 * pattern)
