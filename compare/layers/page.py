"""The report: one page of HTML that holds its pictures, and the netCDF file with all numbers."""

import html
from pathlib import Path

import numpy as np

from compare import trees, webpage
from compare.layers import drawing
from compare.layers.measure import FLAT, TREE, Measured
from compare.layers.nulls import SAID, TRAINED
from compare.layers.phases import LIQUID, MISSING, SOLID, UNDECIDED
from deepglass import files, provenance, schema

READ = """
<p>Each of the {copies} trained copies answers the same probes. <b>q</b> is how much two copies' neurons agree
in a layer (centred cosine over units and probes), <b>Q</b> how much their weights do, both after the units
of one copy were put in the order{signs} that fits the other best: an order of hidden units means nothing.
<b>CKA</b> compares what the layers represent whatever the units; the <b>effective dimension</b> says in how
many directions a layer answers. Each is a mean over pairs of copies; errors leave out one copy at a time.</p>
<p>A best order finds agreement in anything, so that every overlap stands beside its nulls:</p>
<ul>{nulls}</ul>
<p>With q<sub>0</sub> of a null, e = (q - q<sub>0</sub>)/(1 - q<sub>0</sub>). A layer is <b>solid</b> where
the whole {interval:g}&nbsp;% interval of e is above the margin {margin:.3g}, <b>liquid</b> where it is
below, undecided otherwise; against all nulls it is solid where it is so against each, liquid where it is
so against one.
Solid: the data pin the layer down. Liquid: another training fills it otherwise.</p>
"""


def targets(out: str | Path, overwrite: bool = False) -> tuple[Path, Path]:
    """REPORT.html and REPORT.nc for REPORT, with or without one of these suffixes; raises InvalidInput if one
    cannot be written."""
    base = Path(out)
    base = base.with_suffix("") if base.suffix in (".html", ".nc") else base
    page, numbers = (base.with_name(base.name + suffix) for suffix in (".html", ".nc"))
    return files.check_target(page, overwrite), files.check_target(numbers, overwrite)


def write(measured: Measured, out: str | Path, overwrite: bool = False) -> tuple[Path, Path]:
    """Write page and numbers; raises InvalidInput as :func:`targets`."""
    page, numbers = targets(out, overwrite)
    schema.write(measured.dataset, numbers, "layers", overwrite)
    files.write_bytes(page, html_of(measured, numbers.name).encode(), overwrite)
    return page, numbers


def html_of(measured: Measured, numbers: str = "") -> str:
    """The page as text."""
    data, attributes = measured.dataset, measured.dataset.attrs
    sets = [str(x) for x in data["set"].values]
    said = "".join(f"<li><b>{n}</b>: {html.escape(SAID[n])}</li>" for n in sets if n != TRAINED)
    signs = " and with the signs" if attributes["signs"] == "free" else ""
    read = READ.format(
        copies=attributes["copies"], signs=signs, nulls=said, margin=attributes["margin"],
        interval=100 * (1 - attributes["level"]),
    )  # fmt: skip
    tree = drawing.trees(measured)
    parts = [
        "<h1>Solid and liquid layers</h1>", webpage.paragraph(_heading(measured)),
        webpage.listing(found_said(measured)),
        "<h2>Phases</h2>", webpage.image(drawing.strip(measured), "phases of the layers"), _table(measured),
        "<h2>Profile</h2>", webpage.image(drawing.profile(measured), "overlaps against layer"),
        "<h2>How to read it</h2>", read,
        "<h2>Copy against copy</h2>",
        webpage.paragraph("Fewer than three copies have no tree.") if tree is None
        else webpage.image(tree, "matrices, trees"),
        webpage.paragraph(trees_said(measured)),
        "<h2>Caveats</h2>", webpage.listing([*measured.caveats, *ALWAYS]),
        "<h2>Parameters</h2>", _parameters(measured, numbers),
    ]  # fmt: skip
    return webpage.document("Solid and liquid layers", parts)


def found_said(measured: Measured) -> list[str]:
    """What is solid and what is liquid beyond all nulls, by what is compared."""
    names, said = np.array(measured.layers), []
    for variable, what in (("q", "Neurons"), ("Q", "Weights"), ("cka", "What layers represent (CKA)")):
        phases = measured.dataset[f"{variable}_phase"].sel(null="all").values
        parts = [
            f"{word}: {', '.join(names[phases == word])}"
            for word in (SOLID, LIQUID, UNDECIDED, MISSING)
            if (phases == word).any()
        ]
        said.append(f"{what}: {'; '.join(parts)}.")
    return said


def trees_said(measured: Measured) -> str:
    """Whether the copies form a tree, in words."""
    names, chances = np.array(measured.layers), measured.dataset["tree_chance"].values
    found = np.array(measured.trees)
    if (found == "missing").all():
        return (
            f"Whether the copies form groups cannot be told: {trees.FEWEST} are needed, and some that differ."
        )
    trees_in, flat = (
        ", ".join(
            f"{n} (p = {p:.2g})" for n, p in zip(names[found == which], chances[found == which], strict=True)
        )
        for which in (TREE, FLAT)
    )
    said = [f"A tree in {trees_in}: some copies are nearer to each other than all are." if trees_in else ""]
    said += [f"Flat in {flat}: what tree is drawn there, chance draws too." if flat else ""]
    return (
        f"{' '.join(x for x in said if x)} p: chance of a tree that fits as well if overlaps are those of"
        f" each copy with all, and noise; a tree where p times the number of layers is at most"
        f" {measured.dataset.attrs['level']:g}."
    )


ALWAYS = (
    "Solid and liquid are said of these probes and this training: other data, other phases.",
    "Order and sign of units are symmetries that are taken off; scales are not in Q and q (a ReLU unit may"
    " be scaled, queries and keys of attention may be mixed by any matrix and its inverse): such freedom"
    " counts as liquid.",
    "Alignment is pairwise and, of weights, a local optimum: overlaps are lower bounds of the best.",
    "Every layer is judged at its own level; of many layers some are wrong.",
    "Untrained copies may answer in fewer dimensions than trained ones, where any units overlap more: a"
    " layer can be liquid against them for that reason. Compare the effective dimensions.",
)


def _heading(measured: Measured) -> str:
    a = measured.dataset.attrs
    what = a.get("model") or a.get("source") or "networks"
    return (
        f"{a['copies']} trained copies of {what}, {a['depth']} layers, units matched by {a['align']}. Layers"
        " have the names of their modules. Beyond all nulls (how to read it, below):"
    )


def _table(measured: Measured) -> str:
    data = measured.dataset
    trained = data.sel(set=TRAINED)
    after = trained.sel(probes="training", aligned="after")
    before = trained.sel(probes="training", aligned="before")
    head = ["layer", "kind", "units", "q before", "q", "over null", "neurons", "Q", "over null", "weights"]
    head += ["CKA", "over null", "CKA is", "dimension"]
    lines = []
    for i, name in enumerate(measured.layers):

        def told(variable: str, i: int = i) -> list[str]:
            row = data.isel(layer=i).sel(null="all")
            value = webpage.number(after[variable].values[i], after[f"{variable}_error"].values[i])
            excess = webpage.number(row[f"{variable}_excess"].item(), row[f"{variable}_excess_error"].item())
            return [value, excess, str(row[f"{variable}_phase"].item())]

        size = webpage.number(after["dimension_mean"].values[i], after["dimension_error"].values[i])
        first = [name, str(data["kind"].values[i]), str(data["units"].values[i])]
        cells = [*first, webpage.number(before["q"].values[i], before["q_error"].values[i])]
        lines.append([*cells, *told("q"), *told("Q"), *told("cka"), size])
    return webpage.table(head, lines)


def _parameters(measured: Measured, numbers: str) -> str:
    a = measured.dataset.attrs
    skipped = ("caveats",)
    lines = [f"{k} = {v}" for k, v in a.items() if k not in skipped and v != ""]
    counts = measured.dataset["samples_kept"].values
    lines.append(f"answers of a unit: {counts.min()} to {counts.max()}")
    lines.append(f"deepglass {provenance.code_version()}")
    return webpage.listing(lines) + (webpage.paragraph(f"All numbers: {numbers}") if numbers else "")
