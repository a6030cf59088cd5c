"""The overlay of a profile and a run as one page that explains itself: what `make demo` shows a newcomer."""

import html
import json
import shlex
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import xarray as xr
from matplotlib import style
from matplotlib.figure import Figure

from compare import figure, time_figure, tree_figure, webpage
from compare import overlay_words as words
from compare.figure import STYLE
from compare.measured import at_waiting_time
from compare.overlay import Overlay
from compare.trees import SMALLEST, normalised, tree
from deepglass import provenance
from deepglass.errors import InvalidInput
from simulate.registry import of_attributes
from simulate.thermal.training_accuracy import training_accuracy

WIDTH = 92
"""Letters of a line of commands."""


def html_of(
    result: Overlay, profile: xr.Dataset, run: xr.Dataset, t_w: int | None = None, *, subject: str = "",
    notes: Sequence[str] = (), control: Overlay | None = None,
) -> str:  # fmt: skip
    """The page of ``result``, what :func:`compare.overlay` made of this profile, run and ``t_w``.

    The run is of the thermal machine; ``subject`` names its images, ``notes`` are said of them; ``control``
    is an overlay of the same on shuffled labels. The training
    accuracy is left out where the data are not there any more, the trees where the run has no matrices.
    """
    one = at_waiting_time(run, t_w)
    learnt, problem = _learnt(run, int(one["t_w"]))
    parts = [
        "<h1>Solid and liquid layers</h1>",
        webpage.paragraph(words.heading(run, subject)),
        webpage.listing(
            [
                *words.found(result, one.sizes["sample"]),
                *(words.null(result, control, one.sizes["sample"]) if control else ()),
                *words.accuracies(one, learnt),
                *words.short_run(one),
            ]
        ),
        "<h2>Prediction and measurement</h2>",
        webpage.image(figure.draw(result, control), "predicted and measured overlap against layer"),
        webpage.paragraph(words.PROFILE),
        *([webpage.paragraph(words.CONTROL)] if control else ()),
        "<h2>Learning</h2>",
        webpage.image(time_figure.energy(one), "energy against time"),
        webpage.image(time_figure.accuracy(one, learnt, words.chance(learnt)), "accuracy against time"),
        *map(webpage.paragraph, (words.ENERGY, words.ACCURACY, words.CLOCK, *problem)),
        "<h2>Machine against machine</h2>",
        *_trees(one),
        "<h2>The numbers</h2>",
        _table(result, one, control),
        webpage.paragraph(words.TABLE),
        "<h2>Before you believe it</h2>",
        webpage.listing([*words.warnings(result), *words.CAVEATS]),
        "<h2>Parameters</h2>",
        webpage.listing([*notes, *result.captions]),
        "<h2>Where it comes from</h2>",
        webpage.listing(_origin(run)),
        webpage.paragraph("The same by hand:"),
        f"<pre>{html.escape(_commands(profile, run, control is not None))}</pre>",
    ]
    return webpage.document("Solid and liquid layers", parts)


def _learnt(run: xr.Dataset, t_w: int) -> tuple[xr.DataArray, list[str]]:
    """The training accuracy, and why there is none."""
    try:
        return training_accuracy(run, t_w), []
    except InvalidInput as error:
        none = xr.DataArray(np.empty((0, 1, 1)), dims=("t", "sample", "replica"))
        return none, [f"No training accuracy: {error}."]


def _trees(run: xr.Dataset) -> list[str]:
    """The last matrices, a tile for each layer, neurons and then weights."""
    if "Q_matrix_raw" not in run:
        return [webpage.paragraph("The run has no overlap matrices: --matrix-times asks for them.")]
    if run.sizes["machine"] < SMALLEST:
        return [webpage.paragraph(f"Fewer than {SMALLEST} machines have no tree.")]
    # A branch that ends before the last of the times that were asked for has no matrix there.
    split = int(run["t_w"])
    reached = np.flatnonzero(run["t_matrix"] <= run.attrs["steps"] - split)
    if not reached.size:
        times = ", ".join(map(str, run["t_matrix"].values))
        text = (
            f"The run has no overlap matrices after t_w = {split}: it ends {run.attrs['steps'] - split} steps"
            f" later, and --matrix-times asked for {times}."
        )
        return [webpage.paragraph(text)]
    last = run.isel(t_matrix=reached[-1])
    parts = [webpage.paragraph(words.TREES)]
    for symbol, of in (("q", "Neurons"), ("Q", "Weights")):
        matrices = last[f"{symbol}_matrix_raw"].transpose(..., "machine", "machine_b")
        names = [str(1 + s - run["sample"].values[0]) for s in run["machine_sample"].values]
        tiles = "".join(
            webpage.image(_tile(matrix, names, f"${symbol}_{{{layer}}}$"), f"overlaps of {symbol}_{layer}")
            for layer, matrix in zip(matrices[matrices.dims[0]].values, matrices.values, strict=True)
        )
        parts += [
            f"<h3>{of}, steps since t_w: {int(last['t_matrix'])}</h3>",
            f'<div class="tiles">{tiles}</div>',
        ]
    return parts


def _tile(raw: np.ndarray, names: Sequence[str], title: str) -> Figure:
    with style.context(STYLE):
        sheet = Figure(figsize=(1.55, 2.1), layout="constrained")
        top, bottom = sheet.subplots(2, 1, height_ratios=[1, 3])
        top.set_title(title, fontsize=8)
        tree_figure.draw(top, bottom, tree(normalised(raw)), names)
    return sheet


def _table(result: Overlay, run: xr.Dataset, control: Overlay | None) -> str:
    layers = result.layers
    rows = []
    for i, layer in enumerate(layers["neuron_layer"].values[1:-1], start=1):
        at = layers.isel(neuron_layer=i)
        weights = run.sel(weight_layer=layer)
        rows.append(
            [
                str(layer), f"{float(at['predicted']):.3f}", str(at["predicted_phase"].item()),
                webpage.number(float(at["measured"]), float(at["error"])), str(at["measured_phase"].item()),
                webpage.number(float(weights["Q_star"]), float(weights["Q_star_error"])),
            ]
        )  # fmt: skip
        if control:
            there = control.layers.isel(neuron_layer=i)
            rows[-1].append(webpage.number(float(there["measured"]), float(there["error"])))
    head = ["layer", "q predicted", "is", "q measured", "is", "Q measured"]
    return webpage.table([*head, f"q, {control.null}"] if control else head, rows)


def _origin(run: xr.Dataset) -> list[str]:
    a = run.attrs
    made = f" of {a['created']}" if a.get("created") else ""
    return [
        f"data: {a['data_source']}; {a['patterns']} to train, {a['test_patterns']} to test;"
        f" {a['inputs']} pixels, SHA-256 {a['data_sha256']}",
        f"run {a['run_id']}{made}, seed {a['seed']}, {a['steps']} steps,"
        f" {float(a['wall_time_s']):.0f} s on {a['device_name']}",
        f"deepglass {a.get('code_version') or provenance.code_version()}, torch {a['torch_version']},"
        f" kernels {a['kernels']}",
    ]


def _commands(profile: xr.Dataset, run: xr.Dataset, control: bool) -> str:
    a = profile.attrs
    theory = (
        f"python -m theory profile --scenario {a['scenario']} --depth {a['depth']} --alpha {a['alpha']:.10g}"
    )
    if a["closure"] != "gaussian":
        theory += f" --closure {a['closure']}"
    if a["margin"]:
        theory += f" --margin {a['margin']:g}"
    protocol = of_attributes(run.attrs)
    given = json.loads(protocol.to_json())
    options = []
    for field in fields(protocol):
        value = given[field.name]
        if value != json.loads(json.dumps(field.default)) and field.name != "data_dir":
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            options += [f"--{field.name.replace('_', '-')}", shlex.quote(text)]
    simulate = ["python -m simulate run", *map(" ".join, zip(options[::2], options[1::2], strict=True))]
    lines = [f"{theory} --out profile.nc", _wrapped([*simulate, "--out run.nc"])]
    overlay = "python -m compare overlay profile.nc run.nc"
    if control:
        lines.append(_wrapped([*simulate, "--labels shuffled", "--out control.nc"]))
        overlay += " --control control.nc"
    return "\n".join([*lines, f"{overlay} --out overlay.png"])


def _wrapped(words: Sequence[str]) -> str:
    """A command on lines of a page's width."""
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > WIDTH:
            lines.append("   ")
        lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return " \\\n".join(lines)
