"""The page of an overlay: one file, whole, and true to the numbers."""

import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from compare import figure, overlay, overlay_words, webpage
from compare.effective_alpha import EffectiveAlpha
from compare.overlay_page import html_of
from deepglass import phases, schema
from deepglass.cli import main
from simulate import Protocol, run
from theory import solve_profile

PROTOCOL = Protocol(
    depth=3, width=4, patterns=20, steps=60, waiting_time=20, samples=2, replicas=2, matrix_times=(10, 40),
    frames_per_decade=1,
)  # fmt: skip
VOID = {"meta", "img"}


class Checked(HTMLParser):
    """Every tag is closed by its own; what is loaded from elsewhere is collected."""

    def __init__(self, text):
        super().__init__()
        self.open, self.loaded, self.images = [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.images += tag == "img"
        assert tag != "img" or dict(attrs)["alt"]
        self.loaded += [
            v for k, v in attrs if k in ("src", "href") and not v.startswith("data:image/png;base64,")
        ]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def measured():
    return run(PROTOCOL)


@pytest.fixture(scope="module")
def profile():
    return solve_profile("random", 3, 5.0).to_dataset()


def test_one_file_with_every_picture(profile, measured):
    text = html_of(overlay(profile, measured), profile, measured, subject="my <cats>", notes=["grey & small"])
    page = Checked(text)
    assert not page.open
    assert not page.loaded
    assert page.images == 3 + 2 + 3  # overlay, energy, accuracy; a tree for each of q_1, q_2, Q_1 to Q_3
    assert "url(" not in text
    assert 'name="viewport" content="width=device-width' in text
    assert "my &lt;cats&gt;" in text
    assert "grey &amp; small" in text
    assert f"SHA-256 {measured.attrs['data_sha256']}" in text
    assert "steps since t_w: 40" in text
    for layer in (1, 2):
        q, error = (measured[name].values[0, layer] for name in ("q_star", "q_star_error"))
        assert f"<td>{layer}</td><td>{profile.q.values[layer]:.3f}</td>" in text
        assert f"<td>{webpage.number(q, error)}</td>" in text
    assert len(text) < 1e6


def commands(page):
    lines = re.search(r"<pre>(.*)</pre>", page, re.S).group(1)
    assert max(map(len, lines.splitlines())) <= 100
    return re.sub(r" \\\n +", " ", lines).splitlines()


def test_the_commands_on_it_make_the_same_run(profile, measured, tmp_path):
    text = html_of(overlay(profile, measured), profile, measured)
    theory, simulate, _ = commands(text)
    for line, name in ((theory, "profile"), (simulate, "run")):
        words = shlex.split(line)
        assert words[:2] == ["python", "-m"]
        assert main(f"{words[2]}.cli", [*words[3:-1], str(tmp_path / f"{name}.nc")]) == 0
    again = schema.read(tmp_path / "run.nc", "run")
    assert again.attrs["protocol"] == measured.attrs["protocol"]
    np.testing.assert_array_equal(again.q, measured.q)
    np.testing.assert_array_equal(schema.read(tmp_path / "profile.nc", "profile").q, profile.q)


def test_without_data_matrices_or_machines(profile, tmp_path):
    images = np.random.default_rng(0).normal(size=(40, 6))
    np.savez(tmp_path / "own.npz", images=images, labels=np.arange(40) % 2)
    small = run(
        Protocol(
            data=str(tmp_path / "own.npz"), depth=3, width=4, patterns=20, steps=20, waiting_time=5,
            samples=1, replicas=2,
        )
    )  # fmt: skip
    result = overlay(profile, small)
    assert "images it never saw rightly (always the most frequent label: " in html_of(result, profile, small)
    (tmp_path / "own.npz").unlink()
    text = html_of(result, profile, small)
    assert "No training accuracy: data file" in text
    assert "--matrix-times asks for them" in text
    assert "no error bar can be given" in text


def test_a_branch_too_short_for_any_matrix(profile):
    """The longer branch has a matrix 40 steps after t_w = 10; that of t_w = 50 ends after 10."""
    two = run(replace(PROTOCOL, waiting_time=(10, 50), matrix_times=(40,)))
    text = html_of(overlay(profile, two), profile, two)
    assert (
        "no overlap matrices after t_w = 50: it ends 10 steps later, and --matrix-times asked for 40." in text
    )
    assert 'class="tiles"' not in text
    assert "steps since t_w: 40" in html_of(overlay(profile, two, 10), profile, two, 10)


def a_result(measured, predicted, error):
    """An overlay with these hidden layers."""
    found = xr.Dataset(
        {
            k: ("neuron_layer", [1.0, *v, 1.0])
            for k, v in {"predicted": predicted, "measured": measured}.items()
        }
    )
    found["error"] = ("neuron_layer", [0.0, *error, 0.0])
    found = found.assign_coords(neuron_layer=np.arange(len(measured) + 2))
    for side in ("predicted", "measured"):
        found[f"{side}_phase"] = ("neuron_layer", phases.phase(found[side].values))

    class Result:
        layers = found

    return Result()


def test_what_was_found_in_words():
    result = a_result([0.9, 0.5, 0.1, 0.36, 0.8], [0.9, 0.1, 0.0, 0.1, 0.9], [0.01, 0.1, 0.1, 0.01, 0.01])
    assert overlay_words.found(result, 60) == [
        "Predicted: solid: layers 1, 5; liquid: layers 2 to 4.",
        "Measured: solid: layers 1 to 2, 5; liquid: layers 3 to 4.",
        "Too close to call: layers 2, 4: the line at 1/e is within the 95 % interval, 2 standard errors with"
        " 60 samples.",
    ]
    one = a_result([0.9, 0.3], [0.9, 0.9], [np.nan, np.nan])
    assert overlay_words.found(one, 1) == [
        "Predicted: solid: layers 1 to 2.",
        "Measured: solid: layer 1; liquid: layer 2.",
    ]


@pytest.mark.parametrize(("samples", "close"), [(3, "layers 1 to 3"), (4, "layers 1 to 2"), (8, "layer 1")])
def test_too_close_to_call_is_95_percent_of_so_few_samples(samples, close):
    """2.2, 3 and 4 standard errors off; Student's t is 4.30, 3.18 and 2.36 for 3, 4 and 8 samples."""
    q = 0.3679 + 0.01 * np.array([2.2, 3.0, 4.0])
    said = overlay_words.found(a_result(q.tolist(), [0.9] * 3, [0.01] * 3), samples)[-1]
    assert said.startswith(f"Too close to call: {close}: the line at 1/e is within the 95 % interval")


@pytest.mark.parametrize(
    ("bound", "said"),
    [
        ("", "the theory looks most like the measurement."),
        ("lower", "no alpha does, and it is only a bound, >= 1e+06: the measurement is more solid than the"),
        ("upper", "no alpha does, and it is only a bound, <= 1e+06: every smaller alpha predicts the same"),
    ],
)
def test_warnings_are_short_and_without_jargon(bound, said):
    hot = (
        "layers hotter than 1.5 T at step 900: spins 1 (3.2 T), spins 2 of sample 3, replica 0 (1.9 T),"
        " weights 4 in 2 of 64 machines (up to 1.2e+02 T); dt may be too long for them"
    )
    cooled = "layers hotter than 1.5 T earlier, since cooled: spins 3 of sample 2 (4 T, last at step 237)"
    result = SimpleNamespace(
        warnings=("alpha_eff is a bound: and so on", "one sample", f"run: {hot}; {cooled}"),
        alpha_eff=EffectiveAlpha(1e6, 0.1, bound),
    )
    lines = overlay_words.warnings(result)
    assert lines[:2] == [
        "one sample",
        "run: layers hotter than 1.5 T at step 900: neurons of layers 1 to 2, weights into layer 4, at most"
        " 120 T; dt may be too long for them; layers hotter than 1.5 T earlier, since cooled: neurons of"
        " layer 3, at most 4 T (T is the temperature of the heat bath; whether it matters, a run with half"
        " the --dt shows)",
    ]
    assert len(lines) == 3
    assert said in lines[2]


def test_what_a_control_says():
    true = a_result([0.9, 0.8, 0.5, 0.2, 0.9], [0.9] * 5, [0.01] * 5)
    null = a_result([0.9, 0.5, 0.3, 0.2, 0.9], [0.9] * 5, [0.01] * 5)
    assert overlay_words.null(true, null, 4) == [
        "Control, the same images with their labels shuffled: solid all the same: layers 1 to 2, 5. The"
        " meaning of the labels is not needed for that. Solid with the true labels only: layer 3. The"
        " overlaps differ in layers 2 to 3 (5 %, all layers together)."
    ]
    liquid = a_result([0.1] * 5, [0.9] * 5, [np.nan] * 5)
    assert overlay_words.null(true, liquid, 1) == [
        "Control, the same images with their labels shuffled: none of these layers is solid."
    ]
    assert overlay_words.null(true, true, 3)[0].endswith(
        "No difference of overlaps can be told (5 %, all layers together)."
    )


def test_a_control_is_on_the_page_and_in_its_commands(profile, measured, tmp_path):
    null = run(replace(PROTOCOL, labels="shuffled"))
    result, beside = (overlay(profile, x) for x in (measured, null))
    assert (result.null, beside.null) == ("", "labels shuffled")
    for control, name in ((beside, "labels shuffled"), (result, "control")):
        assert name in figure.draw(result, control).axes[0].get_legend_handles_labels()[1]
    text = html_of(result, profile, measured, control=beside)
    assert "Blue triangles" in text
    q, error = (null[name].values[0, 1] for name in ("q_star", "q_star_error"))
    assert f"<td>{webpage.number(q, error)}</td></tr>" in text
    made = commands(text)
    assert "--labels shuffled --out control.nc" in made[2]
    assert made[3].endswith("--control control.nc --out overlay.png")
    for name, data in {"profile": profile, "run": measured, "control": null}.items():
        schema.write(data, tmp_path / f"{name}.nc", "profile" if name == "profile" else "run")
    names = [str(tmp_path / f"{name}.nc") for name in ("profile", "run", "control")]
    out = [str(tmp_path / name) for name in ("with.png", "without.png")]
    assert main("compare.cli", ["overlay", *names[:2], "--control", names[2], "--out", out[0]]) == 0
    assert main("compare.cli", ["overlay", *names[:2], "--out", out[1]]) == 0
    assert Path(out[0]).read_bytes() != Path(out[1]).read_bytes()


@pytest.mark.parametrize(("last", "short"), [(0.2, True), (0.6, False)])
def test_a_run_whose_energy_still_falls_is_called_short(last, short):
    values = np.array([8.0, 4.0, 1.0, last]).reshape(4, 1, 1)
    energy = xr.DataArray(values, {"t": [0, 10, 50, 100]}, ("t", "sample", "replica"))
    said = overlay_words.short_run(xr.Dataset({"E": energy}, attrs={"steps": 100}))
    assert bool(said) is short
    assert not short or "fallen 5 times over the last half" in said[0]


def test_layers_have_numbers_and_replicas_a_memory(measured):
    said = overlay_words.heading(measured)
    assert said.startswith("A network of hidden layers 1 to 2, 4 neurons each, learnt 20 images")
    assert "Layer 0 is the images, layer 3 their labels" in said
    assert any("memory" in line and "--labels shuffled" in line for line in overlay_words.CAVEATS)


@pytest.mark.parametrize(("right", "little"), [(0.7, True), (0.8, False)])
def test_a_machine_that_has_learnt_little_is_called_that(right, little):
    """Half-way from the 0.5 of always the same label to all is 0.75."""
    a = xr.DataArray(np.full((2, 1, 1), 0.6), {"t": [0, 9]}, ("t", "sample", "replica"))
    tested = xr.Dataset({"A_tanh": a}, attrs={"steps": 9, "test_patterns": 30})
    learnt = xr.full_like(a, right).assign_attrs(most_frequent=0.5)
    lines = overlay_words.accuracies(tested, learnt)
    assert lines[0] == (
        f"At the end it names {right:.1%} of the training images and 60.0% of 30 images it never saw rightly"
        " (always the most frequent label: 50.0% of the training images)."
    )
    assert (len(lines) == 2) is little
