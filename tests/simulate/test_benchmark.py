"""The benchmark at a toy size: it runs, writes what it should, counts and cuts right. Nothing is timed."""

import json

import numpy as np
import pytest
import torch

from benchmarks import machines, roofline, simulate
from deepglass import cli
from simulate import noise
from simulate.dynamics import advance
from simulate.dynamics.langevin import Langevin
from simulate.systems.thermal_machine import ThermalMachine, merge

NUMBERS = ("replica-steps/s", "us/replica-step", "ratio", "% note", "% strict", "% +noise")


@pytest.fixture(autouse=True)
def synthetic(monkeypatch):
    """No data outside the repository, and arrays of a toy's size."""
    monkeypatch.delenv("DEEPGLASS_DATA", raising=False)
    monkeypatch.setattr(roofline, "LARGE", {"cpu": 2**16})
    monkeypatch.setattr(roofline, "PEAK", {"cpu": 64})


def machine(depth=4, patterns=70, width=5, outputs=2):
    signs = np.random.default_rng(0).choice([-1, 1], (patterns, 21)).astype(np.int8)
    return ThermalMachine(signs, signs[:, :outputs], depth, width)


def record_of(folder, *more):
    out = folder / "bench.json"
    arguments = ["--device", "cpu", "--sizes", "N=3", "--patterns", "40", "--batches", "1,2", "--seconds"]
    assert cli.main(simulate.app, [*arguments, "0.01", "--out", str(out), *more]) == 0
    return json.loads(out.read_text())


def test_a_run_prints_tables_and_writes_json(tmp_path, capsys):
    record = record_of(tmp_path, "--no-full")
    assert record["data"]["N=3"]["data"] == "synthetic"
    assert {"device", "threads", "torch", "limits", "profile", "memory", "created"} <= record.keys()
    engines = [(row["engine"], row["batch"]) for row in record["rows"]]
    assert engines == [("autograd", 1), ("compiled", 1), ("compiled", 2), ("eager", 1), ("eager", 2)]
    for row in record["rows"]:
        assert all(row[name] > 0 for name in NUMBERS), row
    assert record["rows"][0]["ratio"] == pytest.approx(1)
    assert [row["batch"] for row in record["roofline"]] == [1, 2]
    assert all(row["strict bound us"] > 0 and row["noise us"] > 0 for row in record["roofline"])
    assert "replica-steps/s" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sizes", "N=0"],
        ["--sizes", "large"],
        ["--batches", "0"],
        ["--batches", ""],
        ["--seconds", "0"],
        ["--seconds", "soon"],
        ["--threads", "0"],
        ["--device", "tpu"],
        ["--patterns", "0"],
        ["--data-dir", "/nowhere"],
        ["--out", "/nowhere/bench.json"],
    ],
)
def test_bad_values_are_refused_in_one_line(arguments, capsys):
    assert cli.main(simulate.app, arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1


def test_products_add_up_to_the_operations_of_the_note():
    m = machine(depth=10, patterns=6, width=3)
    found = sum(product.flop for product in roofline.products(m, 5, columns=17))
    assert found == 5 * roofline.flop(10, 3, 6, columns=17, outputs=2)
    assert roofline.flop(10, 10, 2000, columns=784, outputs=2) == pytest.approx(72.6e6, rel=1e-3)


def test_the_bound_is_the_sum_or_the_larger():
    def roof(overlap):
        return roofline.Roof(5, 3, 4, 2, strict_flop=1, rates={}, bandwidth=1, overlap=overlap)

    assert [roof(False).bound(), roof(False).bound(strict=True), roof(False).bound(True, True)] == [9, 7, 9]
    assert [roof(True).bound(), roof(True).bound(strict=True), roof(True).bound(True, True)] == [5, 4, 5]


def test_a_row_too_large_or_too_slow_is_skipped_with_its_reason(monkeypatch):
    m = machine()
    assert simulate.obstacle(m, "compiled", 8, 1e-6, 1.0) is None
    assert "one step takes about 8 s" in simulate.obstacle(m, "compiled", 8, 1.0, 1.0)
    monkeypatch.setattr(simulate.plan, "memory", lambda device: 1000)
    assert "GiB" in simulate.obstacle(m, "compiled", 8, 1e-6, 1.0)


def test_drawings_repeat_columns_as_mnist_does():
    inputs, outputs = machines.drawings(2000)
    assert inputs.shape == (2000, 784)
    assert np.array_equal(outputs[:2], [[1, -1], [-1, 1]])
    assert 420 < merge(inputs.T)[0].size < 520  # of MNIST's zeros and ones: 471


@pytest.mark.slow  # compiles the parts, starts processes
def test_a_full_run_has_profile_and_memory(tmp_path, capsys):
    record = record_of(tmp_path)
    assert list(record["profile"]["parts us"]) == list(roofline.PARTS)
    assert [row["engine"] for row in record["memory"]] == ["compiled", "eager"]
    assert "J_1 moves" in capsys.readouterr().out


@pytest.mark.slow  # compiles the parts
def test_the_parts_of_a_step_are_the_step():
    m, keys = machine(), noise.keys(3, [(i, 0) for i in range(7)])  # 35 rows: two groups of 16 and a rest
    r = m.start("uniform", 1, range(7))
    v = noise.normal(noise.keys(4, [(i, 0) for i in range(7)], noise.VELOCITY), 0, m.particles)
    r_parts, v_parts, spent = r.clone(), v.clone(), np.zeros(len(roofline.PARTS))
    advance("compiled", m, Langevin(), keys)(r, v, 0, np.full(5, roofline.TEMPERATURE))
    dissected = roofline.Dissected(m, Langevin(), keys)
    for step in range(5):
        dissected.step(r_parts, v_parts, step, spent)
    assert torch.equal(r, r_parts)
    assert torch.equal(v, v_parts)
    assert np.all(spent > 0)
