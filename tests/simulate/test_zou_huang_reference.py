"""T1 of issue 8: the accuracies of the authors' 180 weight vectors, exactly; skipped where their arrays are
not."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from simulate.classifier.draws import accuracies
from simulate.data import zou_huang
from simulate.systems.binary_network import BinaryNetwork

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "zou_huang_2021"
FOLDER = Path(os.environ.get(zou_huang.VARIABLE, BESIDE))
SIZES = {"up": (20, 15, 15, 10), "op": (20, 15, 15, 10), "sl": (20, 10)}


@pytest.mark.skipif(not (FOLDER / zou_huang.FILE).is_file(), reason="the authors' arrays are not here")
@pytest.mark.parametrize("case", SIZES)
@pytest.mark.parametrize("energy", ["Eh", "Em", "El"])
def test_accuracies_are_exact(case, energy):
    points, labels = zou_huang.components(FOLDER)
    stored = np.load(FOLDER / "reference_weights.npz")[f"{energy}_{case}"]
    weights = torch.from_numpy(stored[:, 2:])
    x = torch.from_numpy(points[:, :20].T.copy())
    found = accuracies(BinaryNetwork(SIZES[case]), weights, x, torch.from_numpy(labels))
    assert found.shape == (20,)
    np.testing.assert_array_equal(np.rint(10_000 * found), np.rint(10_000 * stored[:, 1]))
    np.testing.assert_allclose(found, stored[:, 1], rtol=0, atol=1e-12)
