"""The main job in small: a thermal machine on real 8 x 8 digits beside the replica theory.

Ten layers of eight neurons learn to tell 0 from 1 on 240 images (alpha = 30). Four samples are
started, each is split into three replicas at t_w = 1,000 steps, early in training, and what the
replicas still share 19,000 steps later is the measured profile: what the data pin down is solid,
what they leave free is liquid. The theory is the symmetric solution for random data at the same
alpha; the null control is the same on labels that are shuffled among the images. A minute on one core.
The same for a user's own images: :func:`on_own_images`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from compare import figure, overlay_page
from compare.overlay import overlay
from compare.overlay_words import null, shortened
from compare.report import describe as describe_overlay
from deepglass import files, schema
from deepglass.errors import InvalidInput
from paper_figures.own_images import prepare
from simulate import Protocol, run
from simulate.chunk import log
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
    "run": "run.nc", "control": "control.nc", "profile": "profile.nc", "table": "table.txt",
    "figure": "overlay.png", "report": "report.html",
}  # fmt: skip
IMAGES = "images.npz"
"""Own images as the machine learnt them."""
HELD_BACK = 0.25
"""Share of the images that is kept for the test, where there are few."""


def protocol_of(width: int, depth: int, steps: int) -> Protocol:
    """The demo's, of another size or time; machines are compared with all others at the end."""
    if depth < 2:
        raise InvalidInput(f"depth = {depth} has no hidden layer to look at; take --depth 2 or more")
    if steps <= SPLIT:
        raise InvalidInput(f"steps = {steps} end before replicas part; take --steps above {SPLIT}")
    return replace(PROTOCOL, width=width, depth=depth, steps=steps, matrix_times=(steps - SPLIT,))


@dataclass(frozen=True)
class Subject:
    """What the machines learn, for a reader: ``name``, and what is said of it in ``notes``."""

    name: str = ""
    notes: tuple[str, ...] = ()


def make(
    folder: Path, protocol: Protocol = PROTOCOL, overwrite: bool = False, subject: Subject = Subject()
) -> str:
    """Write run, control, profile, table, overlay and report into ``folder``; returns the table.

    Raises InvalidInput before any work if a file is there already, unless ``overwrite``.
    """
    paths = _targets(folder, overwrite)
    profile = solve_profile(SCENARIO, protocol.depth, protocol.alpha).to_dataset()
    schema.write(profile, paths["profile"], "profile", overwrite)
    runs = {}
    with quiet():
        for what, labels in (("run", protocol.labels), ("control", "shuffled")):
            with ProgressBar() as progress:
                runs[what] = run(replace(protocol, labels=labels), progress)
            schema.write(runs[what], paths[what], "run", overwrite)

    measured, result, control = runs["run"], *(overlay(profile, x) for x in runs.values())
    figure.save(figure.draw(result, control), paths["figure"], overwrite)
    told = [
        describe_run(measured),
        describe_overlay(result),
        *map(shortened, result.warnings),
        *null(result, control, protocol.samples),
    ]
    text = "\n\n".join([*subject.notes, *told])
    files.write_bytes(paths["table"], f"{text}\n".encode(), overwrite)
    page = overlay_page.html_of(
        result, profile, measured, subject=subject.name, notes=subject.notes, control=control
    )
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
    return f"{make(folder, protocol, overwrite, subject)}, {target}"


@contextmanager
def quiet() -> Iterator[None]:
    """Without what runs say of single machines as they go: files have it, the table has it in short."""
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def _targets(folder: Path, overwrite: bool) -> dict[str, Path]:
    """Where the files will be; raises InvalidInput if one cannot be."""
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"output {folder} is a file; name a folder")
    return {what: files.check_target(folder / name, overwrite) for what, name in FILES.items()}
