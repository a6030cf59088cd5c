"""The main job in small: a thermal machine on real 8 x 8 digits beside the replica theory.

Ten layers of eight neurons learn to tell 0 from 1 on 240 images (alpha = 30). Four samples are
started, each is split into three replicas at t_w = 1,000 steps, early in training, and what the
replicas still share 19,000 steps later is the measured profile: what the data pin down is solid,
what they leave free is liquid. The theory is the symmetric solution for random data at the same
alpha. Half a minute on one core. The same for a user's own images: :func:`on_own_images`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from compare import figure, overlay_page
from compare.overlay import overlay
from compare.report import describe as describe_overlay
from deepglass import files, schema
from deepglass.errors import InvalidInput
from paper_figures.own_images import prepare
from simulate import Protocol, run
from simulate.progress import ProgressBar
from simulate.report import describe as describe_run
from theory import solve_profile

FOLDER = Path("results/demo")
STEPS, SPLIT = Protocol.steps, 1_000
PROTOCOL = Protocol(
    width=8, waiting_time=SPLIT, replicas=3, matrix_times=(STEPS - SPLIT,), frames_per_decade=2
)
"""Configurations are kept now and then, and read for the training accuracy."""
SCENARIO = "random"
FILES = {
    "run": "run.nc", "profile": "profile.nc", "table": "table.txt", "figure": "overlay.png",
    "report": "report.html",
}  # fmt: skip
IMAGES = "images.npz"
"""Own images as the machine learnt them."""
HELD_BACK = 0.25
"""Share of the images that is kept for the test, where there are few."""


@dataclass(frozen=True)
class Subject:
    """What the machines learn, for a reader: ``name``, and what is said of it in ``notes``."""

    name: str = ""
    notes: tuple[str, ...] = ()


def make(
    folder: Path, protocol: Protocol = PROTOCOL, overwrite: bool = False, subject: Subject = Subject()
) -> str:
    """Write run, profile, table, overlay and report into ``folder``; returns the table.

    Raises InvalidInput before any work if a file is there already, unless ``overwrite``.
    """
    paths = _targets(folder, overwrite)
    profile = solve_profile(SCENARIO, protocol.depth, protocol.alpha).to_dataset()
    schema.write(profile, paths["profile"], "profile", overwrite)
    with ProgressBar() as progress:
        measured = run(protocol, progress)
    schema.write(measured, paths["run"], "run", overwrite)

    result = overlay(profile, measured)
    figure.save(figure.draw(result), paths["figure"], overwrite)
    text = "\n\n".join([*subject.notes, describe_run(measured), describe_overlay(result), *result.warnings])
    files.write_bytes(paths["table"], f"{text}\n".encode(), overwrite)
    page = overlay_page.html_of(result, profile, measured, subject=subject.name, notes=subject.notes)
    files.write_bytes(paths["report"], page.encode(), overwrite)
    return f"{text}\n\nwrote {', '.join(str(path) for path in paths.values())}"


def on_own_images(
    folder: Path, data: str, classes: str | Sequence[str] = (), threshold: float | None = None,
    protocol: Protocol = PROTOCOL, patterns: int | None = None, overwrite: bool = False,
) -> str:  # fmt: skip
    """The same on the images of the file or folder ``data``, which go to ``images.npz`` as they were learnt.

    ``patterns`` of them are learnt; without, as many as in the demo if a quarter is left for the test, in
    whole multiples of the width. Raises InvalidInput as :func:`make` and
    :func:`paper_figures.own_images.prepare`, and for too few images for the width.
    """
    _targets(folder, overwrite)
    target = files.check_target(folder / IMAGES, overwrite)
    own = prepare(data, classes, threshold)
    width, there = protocol.width, len(own.labels)
    most = int((1 - HELD_BACK) * there)
    if patterns is None:
        fewer = min(PROTOCOL.patterns, most)
        patterns = fewer // width * width  # alpha is whole
        if patterns == 0:
            raise InvalidInput(
                f"width = {width} is more than the {fewer} images that are learnt of the {there} of {data}"
                f" unless --patterns is given; take a width up to {fewer}"
            )
    protocol = replace(
        protocol,
        data=str(folder / IMAGES),
        classes=tuple(range(len(own.classes))),
        threshold=own.threshold,
        patterns=patterns,
    )
    if patterns > there:
        raise InvalidInput(
            f"patterns = {patterns} are more than the {there} images of {data};"
            f" take {most}, which leaves some for the test"
        )
    files.write_with(target, own.save, overwrite)
    subject = Subject(f"{data}, {' or '.join(own.classes)}", own.notes)
    return make(folder, protocol, overwrite, subject)


def _targets(folder: Path, overwrite: bool) -> dict[str, Path]:
    """Where the files will be; raises InvalidInput if one cannot be."""
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"output {folder} is a file; name a folder")
    return {what: files.check_target(folder / name, overwrite) for what, name in FILES.items()}
