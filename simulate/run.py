"""From a protocol to a finished, labelled run: fresh, resumed, or lengthened."""

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
from simulate import configurations, health
from simulate.chunk import ChunkRun
from simulate.data import DataSet, load
from simulate.dynamics import choose
from simulate.experiment import ThermalExperiment
from simulate.plan import Chunk, chunks, machines_that_fit
from simulate.protocol import Protocol
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
from simulate.start import digest, is_law
from simulate.store import Record

Progress = Callable[[int, int], None]
"""Called now and then with (replica-steps done, replica-steps in all)."""


def run(
    protocol: Protocol,
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
    work; Diverged if a particle becomes NaN or leaves (-1, 1) (the last good checkpoint is kept).
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
    """All that is needed to work: protocol, data, pieces, and what the result will say of them."""

    protocol: Protocol
    data: DataSet
    experiment: ThermalExperiment
    limit: int
    about: dict[str, Any]

    @classmethod
    def prepare(cls, protocol: Protocol) -> "_Job":
        """A fresh run; everything that can be refused is refused here."""
        protocol.check_host()
        version = provenance.code_version()  # of the code that starts, not of what it is edited to
        device = protocol.torch_device()
        backend = choose(protocol.backend, device)
        machines_that_fit(protocol, backend)  # before data are drawn that would not fit either
        data = data_of(protocol)
        limit = machines_that_fit(protocol, backend, data.inputs.shape[1], data.outputs.shape[1])
        about = {
            "run_id": secrets.token_hex(8),
            "code_version": version,
            "torch_version": str(torch.__version__),
            "device_name": _name(device),
            "start_sha256": digest(protocol.start),
        }
        job = cls(protocol, data, ThermalExperiment(protocol, data, backend), limit, about)
        if not is_law(protocol.start):  # every sample's positions are looked at before the first step
            for part in job.parts:
                if part.t_w is None:
                    job.experiment.start(part.members(protocol.first_sample))
        return job

    @classmethod
    def again(cls, workspace: Folder) -> "_Job":
        """The run of an unfinished folder; raises InvalidInput if it cannot go on as it began."""
        manifest = workspace.manifest
        protocol = Protocol.from_values(manifest.get("protocol"))
        protocol.check_host()
        data = data_of(protocol)
        if data.sha256 != manifest["data_sha256"]:
            raise InvalidInput(
                f"the data of {workspace.path} have changed: sha256 was {manifest['data_sha256'][:12]}...,"
                f" is {data.sha256[:12]}..."
            )
        backend = choose(manifest["backend"], protocol.torch_device())
        experiment = ThermalExperiment(protocol, data, backend)
        job = cls(protocol, data, experiment, int(manifest["limit"]), dict(manifest["about"]))
        fresh = [part for part in job.parts if part.t_w is None and workspace.state(part) is None]
        if fresh and digest(protocol.start) != job.about["start_sha256"]:
            raise InvalidInput(f"start file {protocol.start} has changed since the run began")
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
            "protocol": asdict(self.protocol),
            "limit": self.limit,
            "backend": self.experiment.backend,
            "data_sha256": self.data.sha256,
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
        with _torch_threads(self.protocol.threads if self.experiment.backend == "eager" else 1):
            for part in parts:

                def report(done: int, before: int = before) -> None:
                    if progress is not None:
                        progress(before + done, total)

                ChunkRun(part, self.experiment, workspace, report).run()
                before += part.replica_steps
                report(0, before)
        return self._result(workspace, shorter)

    def _result(self, workspace: Workspace, shorter: xr.Dataset | None) -> xr.Dataset:
        protocol, machine = self.protocol, self.experiment.machine
        record = Record(protocol)
        if shorter is not None:
            record.begin_with(shorter)
        wall = 0.0 if shorter is None else float(shorter.attrs["wall_time_s"])
        for part in self.parts:
            record.fill(part, workspace.rows(part))
            state = workspace.state(part)
            wall += state.wall if state is not None else 0.0
        begin = -1 if shorter is None else int(shorter.attrs["steps"])
        extra = [
            configurations.frames(protocol, self.branches, workspace, machine, begin),
            configurations.matrices(protocol, self.branches, workspace, machine, begin),
        ]
        dataset = record.dataset(self._attributes(record, wall))
        for found in extra:
            before = [name for name in found.data_vars if shorter is not None and name in shorter]
            if shorter is not None and before:
                found = found.combine_first(shorter[before])
            dataset = dataset.merge(found)
        if protocol.keep_state:
            dataset = dataset.assign(
                configurations.state(protocol, self.branches, workspace, machine.particles)
            )
        return dataset

    def _attributes(self, record: Record, wall: float) -> dict[str, str | int | float]:
        data, replica_steps = self.data, sum(part.replica_steps for part in self.parts)
        return {
            **self.about,
            "system": "thermal-machine",
            "backend": self.experiment.backend,
            "kernels": self.experiment.kernels(),
            "machines_per_chunk": self.limit,
            "data_source": data.source,
            "data_sha256": data.sha256,
            "classes": ",".join(map(str, data.classes)),
            "threshold": "" if data.threshold is None else data.threshold,
            "inputs": data.inputs.shape[1],
            "outputs": data.outputs.shape[1],
            "test_patterns": data.test_inputs.shape[0],
            "wall_time_s": wall,
            "replica_steps_per_second": replica_steps / wall if wall else np.nan,
            "warnings": "; ".join(filter(None, self._warnings(record))),
        }

    def _warnings(self, record: Record) -> list[str]:
        arrays = record.arrays
        kinetic = {"spins": arrays["kinetic_S"], "weights": arrays["kinetic_J"]}
        return [
            *health.lines(self.protocol, kinetic, self.experiment.layer_sizes()),
            "" if len(self.data.test_inputs) else "all images are used for training: no test accuracy",
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
    old = Protocol.from_json(str(attributes["protocol"]))
    ends = {old.steps, *(old.steps - t_w for t_w in old.waiting_times)}
    protocol = replace(old, steps=old.steps + more, extra_times=tuple(sorted({*old.extra_times, *ends})))
    limit = int(attributes["machines_per_chunk"])
    named = ("code_version", "torch_version", "device_name", "start_sha256")
    about = {name: attributes[name] for name in named} | {"run_id": secrets.token_hex(8)}
    folder_now = Folder.create(
        folder,
        {
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
            r, v = (configurations.rows_of(finished[f"state_{x}"], part.t_w, part.samples) for x in "rv")
            state = State(old.steps, r, v, 0.0)
            split = configurations.rows_of(finished["state_split"], part.t_w, part.samples)
            for sample, row in zip(part.samples, split, strict=True):
                folder_now.put(split_name(part.t_w, sample), row)
        folder_now.checkpoint(part, part.first - 1, {}, state)
    return folder_now


def data_of(protocol: Protocol) -> DataSet:
    """The patterns a protocol is about; raises InvalidInput as :func:`simulate.data.load`."""
    return load(
        protocol.data, patterns=protocol.patterns, seed=protocol.seed, width=protocol.width,
        depth=protocol.depth, data_dir=protocol.data_dir, classes=protocol.classes,
        threshold=protocol.threshold, images=protocol.images, labels=protocol.labels,
    )  # fmt: skip


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
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
