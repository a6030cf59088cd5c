"""From a protocol to a finished, labelled run: fresh, resumed, or lengthened."""

import hashlib
import os
import platform
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from deepglass import checks, files, provenance, schema
from deepglass.errors import InvalidInput, WriteFailed
from simulate import configurations
from simulate.chunk import ChunkRun
from simulate.contract import Experiment
from simulate.plan import Chunk, chunks, machines_that_fit
from simulate.protocol import BaseProtocol
from simulate.registry import of_attributes, of_manifest, system_of
from simulate.segments import (
    MANIFEST,
    Folder,
    Memory,
    State,
    Workspace,
    finished_of,
    partial_of,
    split_name,
)
from simulate.store import Record

Progress = Callable[[int, int], None]
"""Called now and then with (replica-steps done, replica-steps in all)."""


def run(
    protocol: BaseProtocol,
    progress: Progress | None = None,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    """Simulate: train ``samples`` machines, split each into ``replicas`` at every t_w, measure to the end.

    With ``out`` the run lives in the folder ``out.partial`` while it goes, from which :func:`resume`
    continues it after any kill, and ends in the file ``out``; without, it lives in memory.

    Returns the run as a Dataset (docs/schema.md). Raises InvalidInput for data that do not fit the
    protocol, a run that does not fit the memory, or a place that cannot be written or is taken, before any
    work; Diverged if the state becomes impossible, as NaN is (the last good checkpoint is kept).

    >>> from simulate import Protocol, run
    >>> protocol = Protocol(depth=3, width=4, patterns=10, steps=40, waiting_time=20, samples=2, replicas=2)
    >>> found = run(protocol, out="run.nc")
    >>> found.q.sizes["sample"], found.q.sizes["neuron_layer"]
    (2, 4)
    """
    if out is None:
        job = _Job.prepare(protocol)
        return job.work(Memory(), progress)
    target = files.check_target(out, overwrite)
    folder = partial_of(target)
    if (folder / MANIFEST).exists() and not overwrite:
        raise InvalidInput(f"an unfinished run is in {folder}: resume it, or pass --overwrite to drop it")
    job = _Job.prepare(protocol)
    if (folder / MANIFEST).exists():
        old = Folder.open(folder)
        old.acquire()
        old.remove()
    workspace = Folder.create(folder, job.manifest(overwrite=overwrite))
    if target.exists() and not overwrite:  # another process has just finished it
        workspace.remove()
        raise InvalidInput(f"output file {target} exists; pass --overwrite to replace it or name another")
    _commit(workspace)
    return _finish(job, workspace, target, progress)


def resume(path: str | Path, *, more: int = 0, progress: Progress | None = None) -> xr.Dataset:
    """Continue the run ``path`` (RUN.nc or its folder) to its end, as if it had never stopped.

    A finished run is returned as it is, or goes on for ``more`` steps; its file is replaced at the end only.
    Bit for bit as uninterrupted on the same device. Raises InvalidInput if there is no such run, if it is in
    use, damaged or of another version, or if its data are no longer what they were; Diverged as :func:`run`.

    >>> from simulate import Protocol, resume, run
    >>> protocol = Protocol(depth=3, width=4, patterns=10, steps=40, waiting_time=20, samples=1, replicas=2)
    >>> shorter = run(protocol, out="run.nc")
    >>> longer, at_once = resume("run.nc", more=20), run(replace(protocol, steps=60))
    >>> bool((longer.E.isel(t=-1) == at_once.E.isel(t=-1)).all())
    True
    """
    more = checks.integer("steps", more, 0)
    target, folder = finished_of(path).resolve(), partial_of(path).resolve()
    if (folder / MANIFEST).exists():
        workspace = Folder.open(folder)
        with workspace:
            if not _is_leftover(workspace, target):
                if more:
                    raise InvalidInput(f"{folder} is unfinished: resume it before it is made longer")
                return _finish(_Job.again(workspace), workspace, target, progress)
            workspace.remove()
    if not target.exists():
        raise InvalidInput(f"there is no run {target}, nor {folder}")
    finished = schema.read(target, "run")
    if more == 0:
        return finished
    workspace = _lengthen(finished, folder, more)
    with workspace:
        try:
            job = _Job.again(workspace)
        except BaseException:
            workspace.remove()  # nothing was begun
            raise
        del finished  # it is read again when it is needed
        _commit(workspace)
        return _finish(job, workspace, target, progress)


def _commit(workspace: Folder) -> None:
    """From here on the folder is a run; if it cannot become one, it goes."""
    try:
        workspace.commit()
    except BaseException:
        workspace.remove()
        raise


def _is_leftover(workspace: Folder, target: Path) -> bool:
    """Whether the folder is of a run that was killed between writing its file and removing its folder."""
    if not target.exists():
        return False
    try:
        return bool(schema.read(target, "run").attrs.get("run_id") == workspace.manifest["run_id"])
    except InvalidInput:
        return False


@dataclass
class _Job:
    """All that is needed to work: protocol, experiment, pieces, and what the result will say of them."""

    protocol: BaseProtocol
    experiment: Experiment
    limit: int
    about: dict[str, Any]

    @classmethod
    def prepare(cls, protocol: BaseProtocol) -> "_Job":
        """A fresh run; everything that can be refused is refused here."""
        protocol.check_host()
        version = provenance.code_version()  # of the code that starts, not of what it is edited to
        system, device = system_of(protocol), protocol.torch_device()
        backend = protocol.choose(protocol.backend, device)
        # Before data are drawn that would not fit either.
        machines_that_fit(protocol, system.footprint(protocol, backend))
        data = system.load(protocol)
        limit = machines_that_fit(protocol, system.footprint(protocol, backend, data))
        experiment = system.experiment(protocol, data, backend)
        about = {
            "run_id": secrets.token_hex(8),
            "code_version": version,
            "torch_version": str(torch.__version__),
            "device_name": _name(device),
            "start_sha256": _digest(experiment.start_file),
        }
        job = cls(protocol, experiment, limit, about)
        for part in job.parts:
            if part.t_w is None:
                experiment.check_start(part.members(protocol.first_sample))
        return job

    @classmethod
    def again(cls, workspace: Folder) -> "_Job":
        """The run of an unfinished folder; raises InvalidInput if it cannot go on as it began."""
        manifest = workspace.manifest
        protocol = of_manifest(manifest)
        protocol.check_host()
        system = system_of(protocol)
        data = system.load(protocol)
        backend = protocol.choose(manifest["backend"], protocol.torch_device())
        experiment = system.experiment(protocol, data, backend)
        if experiment.data_sha256 != manifest["data_sha256"]:
            raise InvalidInput(
                f"the data of {workspace.path} have changed: sha256 was {manifest['data_sha256'][:12]}...,"
                f" is {experiment.data_sha256[:12]}..."
            )
        job = cls(protocol, experiment, int(manifest["limit"]), dict(manifest["about"]))
        fresh = [part for part in job.parts if part.t_w is None and workspace.state(part) is None]
        if fresh and _digest(experiment.start_file) != job.about["start_sha256"]:
            raise InvalidInput(f"start file {experiment.start_file} has changed since the run began")
        device, version = _name(protocol.torch_device()), provenance.code_version()
        if (device, version) != (job.about["device_name"], job.about["code_version"]):
            job.about["resumed_with"] = f"{version} on {device}"
        return job

    @property
    def parts(self) -> list[Chunk]:
        return chunks(self.protocol, self.limit)

    @property
    def branches(self) -> list[Chunk]:
        return [part for part in self.parts if part.t_w is not None]

    def manifest(self, **more: Any) -> dict[str, Any]:
        """What a folder must know to go on."""
        return {
            "system": self.protocol.system,
            "protocol": asdict(self.protocol),
            "limit": self.limit,
            "backend": self.experiment.backend,
            "data_sha256": self.experiment.data_sha256,
            "about": self.about,
            "run_id": self.about["run_id"],
            **more,
        }

    def work(
        self, workspace: Workspace, progress: Progress | None, shorter: xr.Dataset | None = None
    ) -> xr.Dataset:
        """Run what is not done yet; the whole as a Dataset."""
        parts = self.parts
        before, total = 0, sum(part.replica_steps for part in parts)
        # The compiled backend has its own threads; torch's would only spin beside them (20-fold, measured).
        with torch_threads(self.protocol.threads if self.experiment.backend == "eager" else 1):
            for part in parts:

                def report(done: int, before: int = before) -> None:
                    if progress is not None:
                        progress(before + done, total)

                ChunkRun(part, self.experiment, workspace, report).run()
                before += part.replica_steps
                report(0, before)
        return self._result(workspace, shorter)

    def _result(self, workspace: Workspace, shorter: xr.Dataset | None) -> xr.Dataset:
        record = Record(self.protocol)
        if shorter is not None:
            record.begin_with(shorter)
        wall = 0.0 if shorter is None else float(shorter.attrs["wall_time_s"])
        for part in self.parts:
            record.fill(part, workspace.rows(part))
            state = workspace.state(part)
            wall += state.wall if state is not None else 0.0
        begin = -1 if shorter is None else int(shorter.attrs["steps"])
        extra = [
            configurations.frames(self.experiment, self.branches, workspace, begin),
            configurations.matrices(self.experiment, self.branches, workspace, begin),
        ]
        dataset = record.dataset(self._attributes(record, wall))
        for found in extra:
            before = [name for name in found.data_vars if shorter is not None and name in shorter]
            if shorter is not None and before:
                found = found.combine_first(shorter[before])
            dataset = dataset.merge(found)
        if self.protocol.keep_state:
            dataset = dataset.assign(configurations.state(self.experiment, self.branches, workspace))
        return dataset

    def _attributes(self, record: Record, wall: float) -> dict[str, str | int | float]:
        replica_steps = sum(part.replica_steps for part in self.parts)
        return {
            **self.about,
            "system": self.protocol.system,
            "backend": self.experiment.backend,
            "kernels": self.experiment.kernels(),
            "machines_per_chunk": self.limit,
            "data_sha256": self.experiment.data_sha256,
            **self.experiment.attributes(),
            "wall_time_s": wall,
            "replica_steps_per_second": replica_steps / wall if wall else np.nan,
            "warnings": "; ".join(filter(None, self._warnings(record))),
        }

    def _warnings(self, record: Record) -> list[str]:
        return [
            *self.experiment.warnings(record.arrays),
            f"resumed with {self.about['resumed_with']}" if "resumed_with" in self.about else "",
            *self.protocol.beyond_the_end(),
        ]


def _finish(job: _Job, workspace: Folder, target: Path, progress: Progress | None) -> xr.Dataset:
    """Work to the end, write the file, remove the folder; on any failure the folder stays as it is."""
    shorter, extends = None, workspace.manifest.get("extends")
    with workspace:
        if extends is not None:
            shorter = schema.read(target, "run")
            if shorter.attrs.get("run_id") != extends:
                raise InvalidInput(f"{target} is no longer the run that {workspace.path} makes longer")
        result = job.work(workspace, progress, shorter)
        # In the folder first: a kill leaves nothing half-written beside the target.
        written = _write(result, workspace.path / "finished.nc", target)
        replaces = extends is not None or bool(workspace.manifest.get("overwrite"))
        if target.exists() and not replaces:
            raise InvalidInput(
                f"output file {target} appeared while working; the result was kept as {written}"
            )
        _move(written, target)
        workspace.remove()
    return result


def _write(result: xr.Dataset, path: Path, target: Path) -> Path:
    try:
        return schema.write(result, path, "run", overwrite=True)
    except InvalidInput as error:
        raise WriteFailed(f"{error}; make room, then: python -m simulate resume {target}") from error


def _move(written: Path, target: Path) -> None:
    try:
        os.replace(written, target)
    except OSError as error:
        raise WriteFailed(f"output file {target} cannot be written: {error.strerror}") from error


def _lengthen(finished: xr.Dataset, folder: Path, more: int) -> Folder:
    """A folder in which a finished run goes on: its trunks done, its branches at their last step."""
    if "state_r" not in finished:
        raise InvalidInput("the run was written without its state (keep_state): it cannot be made longer")
    attributes: Mapping[str, Any] = finished.attrs
    old = of_attributes(attributes)
    ends = {old.steps, *(old.steps - t_w for t_w in old.waiting_times)}
    protocol = replace(old, steps=old.steps + more, extra_times=tuple(sorted({*old.extra_times, *ends})))
    limit = int(attributes["machines_per_chunk"])
    named = ("code_version", "torch_version", "device_name", "start_sha256")
    about = {name: attributes[name] for name in named} | {"run_id": secrets.token_hex(8)}
    folder_now = Folder.create(
        folder,
        {
            "system": protocol.system,
            "protocol": asdict(protocol),
            "limit": limit,
            "backend": attributes["backend"],
            "data_sha256": attributes["data_sha256"],
            "about": about,
            "run_id": about["run_id"],
            "extends": attributes["run_id"],
        },
    )
    nothing = np.empty((0, 0))
    for part in chunks(protocol, limit):
        if part.t_w is None:
            state = State(part.last, nothing, nothing, 0.0)
        else:
            r, v, split = (
                configurations.rows_of(finished, f"state_{x}", part.t_w, part.samples)
                for x in ("r", "v", "split")
            )
            state = State(old.steps, r, v, 0.0)
            for sample, row in zip(part.samples, split, strict=True):
                folder_now.put(split_name(part.t_w, sample), row)
        folder_now.checkpoint(part, part.first - 1, {}, state)
    return folder_now


def _digest(start: str) -> str:
    """SHA-256 of a start file; empty without one. Raises InvalidInput for a file that cannot be read."""
    try:
        return hashlib.sha256(Path(start).read_bytes()).hexdigest() if start else ""
    except OSError as error:
        raise InvalidInput(f"start file {start} cannot be read: {error.strerror}") from error


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Torch's thread count for the length of a run."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return f"cpu: {platform.machine()}, {platform.processor() or platform.system()}"
