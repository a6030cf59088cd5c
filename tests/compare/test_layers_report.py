"""Your own networks from the command line: trained copies to one page and one file; bad input in one line."""

import json
import re

import numpy as np
import pytest
import torch

from compare.cli import app
from compare.layers import measure, page
from compare.layers.command import read_probes
from deepglass import schema
from deepglass.cli import main
from deepglass.errors import InvalidInput
from simulate.copies import Model, Training, load, train

MLP = Model("simulate.copies.networks:mlp", {"width": 10, "depth": 3})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four trained copies, three of shuffled labels."""
    where, data = tmp_path_factory.mktemp("copies"), load("digits", patterns=400)
    train(MLP, data, Training(copies=4, epochs=15, rate=5e-3)).save(where / "own")
    train(MLP, data, Training(copies=3, epochs=15, rate=5e-3, seed=9, labels="shuffled")).save(
        where / "mixed"
    )
    return where


GIVEN = ["--model", MLP.name, "--model-arg", "width=10", "depth=3", "--probe", "digits", "--patterns", "400"]


def told(folder, out, *more):
    own = sorted(str(p) for p in (folder / "own").glob("*.pt"))
    return main(app, ["layers", *GIVEN, "--weights", *own, "--out", str(out), *more])


def test_report_and_numbers(folder, tmp_path, capsys):
    out = tmp_path / "report"
    assert told(folder, out, "--shuffled", str(folder / "mixed"), "--probes", "150") == 0
    said = capsys.readouterr().out
    assert "4 copies, aligned by activations; beside all of untrained, shuffled, alignment, rotated" in said
    data = schema.read(tmp_path / "report.nc", "layers")
    assert data["set"].values.tolist() == ["trained", "untrained", "shuffled", "alignment", "rotated"]
    assert data["layer"].values.tolist() == ["0", "2", "4"]
    # Independent trainings agree on what they say, and before alignment on nothing else.
    after = data["q"].sel(set="trained", probes="training")
    assert after.sel(aligned="after", layer="4").item() > 0.5
    assert abs(after.sel(aligned="before", layer="0").item()) < 0.2
    assert data["q_phase"].sel(null="all", layer="4").item() == "solid"
    assert np.isfinite(data["q_error"].sel(set="trained")).all()
    text = (tmp_path / "report.html").read_text()
    assert len(re.findall(r'src="data:image/png;base64,', text)) == 3
    assert not re.search(r'(?:src|href)="(?!data:)', text)
    for word in ("Caveats", "Parameters", "copies trained on shuffled labels", "margin = 0.367", "solid"):
        assert word in text
    phases = data["q_phase"].sel(null="all").values
    lead = re.search(r"<li>Neurons: (.*?)\.</li>", text)[1]
    for phase in set(phases):
        assert f"{phase}: {', '.join(data['layer'].values[phases == phase])}" in lead.split("; ")
    assert told(folder, out) == 2
    assert "exists" in capsys.readouterr().err


def test_the_same_from_python(folder, tmp_path, capsys):
    assert told(folder, tmp_path / "a.html", "--format", "json", "--untrained", "3") == 0
    values = json.loads(capsys.readouterr().out)
    data = load("digits", patterns=400)
    found = measure(
        MLP, sorted((folder / "own").glob("*.pt")), data.inputs[:512], data.test_inputs, untrained=3
    )
    assert values["q_phase"] == found.phases("q")
    after = found.dataset["Q"].sel(set="trained", aligned="after")
    np.testing.assert_allclose(values["Q"], after.values)
    page.write(found, tmp_path / "b")
    np.testing.assert_array_equal(
        schema.read(tmp_path / "a.nc", "layers")["q"], schema.read(tmp_path / "b.nc", "layers")["q"]
    )
    assert any("shuffled labels" in line for line in found.caveats)


def test_two_copies_without_nulls_of_their_own(folder, tmp_path):
    modules = [MLP.load(folder / "own" / f"copy-0{k}.pt") for k in range(2)]
    found = measure(None, modules, load("digits", patterns=400).inputs[:100])
    assert set(found.phases("q")) == {"undecided"}
    assert any(line.startswith("2 copies have no error bars") for line in found.caveats)
    assert any(line.startswith("No untrained copies") for line in found.caveats)
    page.write(found, tmp_path / "two")
    assert "no tree" in (tmp_path / "two.html").read_text()


def test_the_same_copy_three_times(folder):
    modules = [MLP.load(folder / "own" / "copy-00.pt")] * 3
    found = measure(None, modules, load("digits", patterns=400).inputs[:100])
    np.testing.assert_allclose(found.dataset["q"].sel(set="trained"), 1)
    np.testing.assert_allclose(found.dataset["Q"].sel(set="trained"), 1)
    assert set(found.phases("q")) == {"solid"}
    assert any("identical" in line for line in found.caveats)


def test_probes_of_one_s_own(folder, tmp_path, capsys):
    data = load("digits", patterns=400)
    np.savez(tmp_path / "p.npz", training=data.inputs[:64].reshape(64, 8, 8), test=data.test_inputs[:32])
    np.save(tmp_path / "p.npy", data.inputs[:64])
    assert read_probes(str(tmp_path / "p.npy"), 50)[0].shape == (50, 64)
    training, test = read_probes(str(tmp_path / "p.npz"), 512)
    assert training.shape == (64, 8, 8)
    assert test is not None
    np.testing.assert_array_equal(test, data.test_inputs[:32])
    own = ["layers", *GIVEN[:5], "--weights", str(folder / "own")]
    given = [*own, "--probe", str(tmp_path / "p.npz"), "--out", str(tmp_path / "r")]
    assert main(app, given) == 2
    assert "does not take probes of shape (8, 8)" in capsys.readouterr().err
    assert main(app, [*given, "--probe-shape", "64"]) == 0


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (["--weights", "none.pt", "b.pt"], "checkpoint none.pt does not exist"),
        (["--model", "nothing"], "must be MODULE:FACTORY"),
        (["--model-arg", "width=11"], "0.weight has shape (10, 64), the model wants (11, 64)"),
        (["--model-arg", "width"], "must be NAME=VALUE"),
        (["--probe", "images.txt"], "must be one of digits, mnist, cifar10, X.npy, X.npz"),
        (["--probe", "none.npz"], "none.npz cannot be read"),
        (["--align", "hand"], "'hand' must be one of activations, weights"),
        (["--margin", "2"], "margin = 2 must be"),
        (["--layer", "zero"], "layer 'zero' is no module"),
        (["--untrained", "1"], "untrained = 1 has no pairs"),
        (["--activations", "a.npz"], "they go without --model"),
    ],
)
def test_bad_input_is_one_line(folder, tmp_path, capsys, change, problem):
    assert told(folder, tmp_path / "r", *change) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert problem in lines[0]
    assert not (tmp_path / "r.nc").exists()


def test_a_checkpoint_of_another_network_is_named_with_its_file(folder, tmp_path, capsys):
    path = tmp_path / "odd.pt"
    torch.save(torch.nn.Linear(3, 3).state_dict(), path)
    assert told(folder, tmp_path / "r", "--weights", str(path)) == 2
    assert f"checkpoint {path} lacks 0.bias of shape (10,) and 5 more; it has bias" in capsys.readouterr().err


def test_missing_options_are_named(tmp_path, capsys):
    assert main(app, ["layers", "--out", str(tmp_path / "r")]) == 2
    assert "--model is missing (or --activations" in capsys.readouterr().err


def test_a_page_that_cannot_be_written(tmp_path):
    (tmp_path / "r.nc").mkdir()
    with pytest.raises(InvalidInput, match="is a folder"):
        page.targets(tmp_path / "r")
