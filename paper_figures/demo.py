"""The main job in small: a thermal machine on real 8 x 8 digits beside the replica theory.

Ten layers of eight neurons learn to tell 0 from 1 on 240 images (alpha = 30). Four samples are
started, each is split into three replicas at t_w = 1,000 steps, early in training, and what the
replicas still share 19,000 steps later is the measured profile: what the data pin down is solid,
what they leave free is liquid. The theory is the symmetric solution for random data at the same
alpha. Half a minute on one core.
"""

from pathlib import Path

from compare import figure
from compare.overlay import overlay
from compare.report import describe as describe_overlay
from deepglass import files, schema
from deepglass.errors import InvalidInput
from simulate import Protocol, run
from simulate.progress import ProgressBar
from simulate.report import describe as describe_run
from theory import solve_profile

FOLDER = Path("results/demo")
PROTOCOL = Protocol(width=8, waiting_time=1_000, replicas=3)
SCENARIO = "random"
FILES = {"run": "run.nc", "profile": "profile.nc", "table": "table.txt", "figure": "overlay.png"}


def make(folder: Path, protocol: Protocol = PROTOCOL, overwrite: bool = False) -> str:
    """Write run, profile, table and overlay into ``folder``; returns the table.

    Raises InvalidInput before any work if a file is there already, unless ``overwrite``.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"output {folder} is a file; name a folder")
    paths = {what: files.check_target(folder / name, overwrite) for what, name in FILES.items()}

    profile = solve_profile(SCENARIO, protocol.depth, protocol.alpha).to_dataset()
    schema.write(profile, paths["profile"], "profile", overwrite)
    with ProgressBar() as progress:
        measured = run(protocol, progress)
    schema.write(measured, paths["run"], "run", overwrite)

    result = overlay(profile, measured)
    figure.save(figure.draw(result), paths["figure"], overwrite)
    text = "\n\n".join([describe_run(measured), describe_overlay(result), *result.warnings])
    files.write_bytes(paths["table"], f"{text}\n".encode(), overwrite)
    return f"{text}\n\nwrote {', '.join(str(path) for path in paths.values())}"
