"""``python -m simulate``: the commands; each system has its own to begin a run."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from deepglass.checks import one_of
from deepglass.cli import Format, Output, application, print_json
from deepglass.errors import DeepglassError, InvalidInput
from deepglass.schema import FIRST_SYSTEM
from simulate import inspection, report, sweep_report
from simulate import sweep as sweeps
from simulate.classifier import command as classifier
from simulate.copies import command as copies
from simulate.module import command as module
from simulate.perceptron import command as perceptron
from simulate.progress import ProgressBar, log_beside_bar
from simulate.registry import SYSTEMS
from simulate.relu import command as relu
from simulate.run import resume as resume_run
from simulate.segments import finished_of
from simulate.signals import checkpoint_before_stopping
from simulate.thermal import command as thermal


class BySystem(TyperGroup):
    """``run --system NAME`` is a command with that system's own options."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As the base class."""
        if args[0] == "run":
            return "run", self.get_command(ctx, one_of("system", _system(args), SYSTEMS)), args[1:]
        return super().resolve_command(ctx, args)


def _system(args: list[str]) -> str:
    """What the last ``--system`` names."""
    found = FIRST_SYSTEM
    for word, following in zip(args, [*args[1:], ""], strict=True):
        found = following if word == "--system" else found
        found = word.removeprefix("--system=") if word.startswith("--system=") else found
    return found


app = application(
    "Simulate deep networks, the thermal machine by Langevin dynamics, the deep perceptron by Monte Carlo,"
    " and measure layer by layer.",
    BySystem,
)

Run = Annotated[Path, typer.Argument(metavar="RUN.nc", help="A run, finished or not.")]


@app.callback()
def _log() -> None:
    """Warnings go to standard error, beside the progress bar."""
    log_beside_bar()


app.command("run")(thermal.run)  # for the list of commands; one of these is called:
for system in (thermal, perceptron, relu, classifier, module):
    app.command(hidden=True)(system.run)
app.command()(classifier.draws)
app.command()(copies.train_copies)


@app.command()
def resume(
    path: Run,
    steps: Annotated[int, typer.Option(help="Steps to add to a finished run; 0: none.")] = 0,
    format: Output = Format.table,
) -> None:
    """Continue a run that was stopped, at whatever instant, or make a finished one longer.

    The finished run equals the uninterrupted one bit for bit on the same device.

    \b
    Examples:
        python -m simulate resume run.nc
        python -m simulate resume run.nc --steps 100000
    """
    target = finished_of(path)
    before = target.stat().st_mtime_ns if target.exists() else None
    with checkpoint_before_stopping(), ProgressBar() as progress:
        result = resume_run(path, more=steps, progress=progress)
    done = target.stat().st_mtime_ns == before
    report.show(
        result, f"{target} was finished; --steps N makes it longer" if done else f"wrote {target}", format
    )


@app.command()
def inspect(path: Run, format: Output = Format.table) -> None:
    """Say what a run is, how far it is, and what it holds.

    \b
    Example:
        python -m simulate inspect run.nc
    """
    if format is Format.json:
        print_json(inspection.contents(path))
    else:
        typer.echo(inspection.describe(path))


@app.command()
def validate(path: Run, format: Output = Format.table) -> None:
    """Check schema, completeness and invariants of a run; exit code 1 if something is wrong.

    \b
    Example:
        python -m simulate validate run.nc
    """
    problems = inspection.problems(path)
    if format is Format.json:
        print_json({"path": str(path), "valid": not problems, "problems": problems})
    else:
        typer.echo("\n".join(problems) or f"{path}: valid")
    if problems:
        raise typer.Exit(1)


@app.command()
def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP.toml", help="Its points: docs/sweeps.md.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the runs, one file a point.")],
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes on this machine; without it one.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT|local", help="A dask.distributed scheduler.")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try failed points again.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the points, and how far each is.")
    ] = False,
    only: Annotated[
        list[int] | None, typer.Option(metavar="INDEX", help="Only this point; may be repeated.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(metavar="I/N", help="Only share I = 0..N-1 of N, as for sbatch --array.")
    ] = None,
    format: Output = Format.table,
) -> None:
    """Run every point of a grid; call it again to go on where it stopped.

    Points that are done are skipped, interrupted ones resumed, failed ones listed with their reason.
    Exit code 1 if some failed.

    \b
    Examples:
        python -m simulate sweep sweep.toml --out results/widths
        python -m simulate sweep sweep.toml --out results/widths --task 3/16
    """
    points = sweeps.load(file)
    if only and task is not None:
        raise InvalidInput("--only and --task cannot be used together")
    points = sweeps.pick(points, only) if only else points
    points = sweeps.share(points, task) if task is not None else points
    if dry_run:
        results = sweeps.survey(points, out)
    else:
        with ProgressBar() as progress:
            results = sweeps.run_sweep(
                points, out, workers=workers, cluster=cluster, retry=retry, progress=progress
            )
    if format is Format.json:
        print_json(sweep_report.as_json(results, out))
    else:
        typer.echo(sweep_report.listing(results) if dry_run else sweep_report.describe(results))
    failed = sum(result.state is sweeps.State.failed for result in results)
    if failed and not dry_run:
        hint = "" if retry else "; --retry tries them again"
        raise DeepglassError(f"{failed} of {len(results)} points failed{hint}")
