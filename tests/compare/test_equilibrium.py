"""Whether two sides meet, on overlaps of known law, and on runs that are in equilibrium or not."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import xarray as xr
from scipy.stats import kstest, ttest_ind, ttest_rel

from compare import equilibrium
from compare.cli import app
from deepglass import schema
from deepglass.cli import main
from deepglass.errors import InvalidInput
from simulate import run
from simulate.perceptron.protocol import PerceptronProtocol

ATTRIBUTES = {"system": "deep-perceptron", "depth": 2, "width": 10, "steps": 9, "seed": 0, "alpha": 2.0}


def drawn(generator: np.random.Generator, samples: int, shift: float = 0.0, seed: int = 0) -> xr.Dataset:
    """Independent normal overlaps of two layers, those with the teacher too."""
    found = {}
    for name, layer, size in (("q", "neuron_layer", 3), ("Q", "weight_layer", 2)):
        for suffix, member in (("", "pair"), ("_teacher", "replica")):
            values = 0.5 + 0.1 * generator.standard_normal((1, 1, samples, 1, size)) + shift * (suffix == "")
            found[name + suffix] = (("t_w", "t", "sample", member, layer), values)
    coords = {"t_w": [0], "t": [9], "sample": range(samples)}
    return xr.Dataset(found, coords=coords, attrs={**ATTRIBUTES, "seed": seed})


def test_p_is_students_of_the_same_samples_and_welchs_of_others():
    generator = np.random.default_rng(1)
    a, b, c = drawn(generator, 5), drawn(generator, 5), drawn(generator, 7, seed=1)
    welch = partial(ttest_ind, equal_var=False)
    for other, known, paired in ((b, ttest_rel, True), (c, welch, False)):
        found = equilibrium(a, other)
        assert found.paired is paired
        for entry in found.layers:
            first, second = (x[entry.kind][0, 0, :, 0].values for x in (a, other))
            column = entry.layer if entry.kind == "q" else entry.layer - 1
            expected = known(first[:, column], second[:, column]).pvalue
            assert entry.p == pytest.approx(expected, rel=1e-9)
    layer = equilibrium(a).layers[0]
    teacher = ttest_rel(a.q[0, 0, :, 0, 1], a.q_teacher[0, 0, :, 0, 1]).pvalue
    assert layer.p == pytest.approx(teacher, rel=1e-9)


def test_what_meets_is_told_apart_as_often_as_the_level_says():
    """A hundred draws: p uniform (false alarm 1e-3), and a shift of three errors is seen."""
    generator = np.random.default_rng(2)
    found = [equilibrium(drawn(generator, 6), drawn(generator, 6)).layers[1].p for _ in range(100)]
    assert kstest(found, "uniform").pvalue > 1e-3
    assert "do not meet" in equilibrium(drawn(generator, 6), drawn(generator, 6, shift=0.5)).verdict


def test_two_starts_of_one_layer_meet_in_time_and_not_before(tmp_path, capsys):
    """Soft core, alpha = 1, beta = 50: students who left the teacher, and students from random starts."""
    values = {"depth": 1, "width": 24, "patterns": 24, "samples": 6, "steps": 80, "test_patterns": 0}
    protocol = PerceptronProtocol(**values, potential="soft", temperature=0.02, start="planted")
    paths = [tmp_path / f"{name}.nc" for name in ("planted", "apart", "early")]
    planted, apart = run(protocol, out=paths[0]), run(replace(protocol, start="apart"), out=paths[1])
    assert equilibrium(planted, apart).verdict == "all layers meet"
    assert equilibrium(planted).verdict == "all layers meet"
    early = [run(replace(protocol, steps=2, start=start)) for start in ("planted", "apart")]
    assert equilibrium(*early).verdict == "Q_1 do not meet"
    assert equilibrium(early[0]).verdict == "Q_1 do not meet"
    assert main(app, ["equilibrium", str(paths[0]), str(paths[1])]) == 0
    assert "differences of the same samples; overall: all layers meet" in capsys.readouterr().out
    assert main(app, ["equilibrium", str(paths[0]), "--format", "json"]) == 0
    assert '"verdict": "all layers meet"' in capsys.readouterr().out


def test_what_cannot_be_compared_is_named(tmp_path):
    generator = np.random.default_rng(3)
    a = drawn(generator, 4)
    with pytest.raises(InvalidInput, match="name a second run"):
        equilibrium(a.drop_vars("q_teacher"))
    with pytest.raises(InvalidInput, match="differ in alpha"):
        equilibrium(a, a.assign_attrs(alpha=3.0))
    with pytest.raises(InvalidInput, match="different sizes: N = 10 and 20"):
        equilibrium(a, a.assign_attrs(width=20))
    with pytest.raises(InvalidInput, match="level = 2"):
        equilibrium(a, level=2)
    assert equilibrium(a.isel(sample=[0, 1])).verdict == "too few samples"
    schema.write(
        a.assign_attrs(patterns=1, samples=4, replicas=2, protocol="", run_id=""), tmp_path / "a.nc", "run"
    )
    assert main(app, ["equilibrium", str(tmp_path / "a.nc"), "--variables", "q"]) == 2
