"""What a run keeps while it goes: in memory, or in the folder RUN.nc.partial, from which it resumes exactly.

A chunk's progress is a chain of *segments* (what was measured between two checkpoints) and the *state* at
the last checkpoints; configurations at t_w and at chosen times are files of their own. Every file is written
under a temporary name and renamed, segment before state, so that at any instant the folder holds a state and
everything measured before it. Files are NumPy archives, whose checksums are tested when they are read.
"""

import fcntl
import json
import logging
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from deepglass import files, schema
from deepglass.arrays import read_archive
from deepglass.errors import InUse, InvalidInput, WriteFailed
from simulate.contract import Array
from simulate.plan import Chunk, chunks
from simulate.protocol import BaseProtocol
from simulate.registry import of_attributes, of_manifest

log = logging.getLogger(__name__)

FORMAT = 1
"""Of the folder; another is refused."""

MANIFEST = "run.json"
CONTENTS = {
    "protocol": dict, "limit": int, "backend": str, "data_sha256": str, "about": dict, "run_id": str,
}  # fmt: skip
"""What the manifest must hold, beside the format."""

SUFFIX = ".partial"
OURS = re.compile(r"run\.json|lock|(chunk|split)-.*\.npz|finished\.nc|\..*\.tmp")
"""What may lie in a folder."""

Rows = dict[str, dict[int, Array]]
"""What was measured: variable -> time -> values of the chunk's machines."""


@dataclass
class State:
    """Where a chunk is: step ``t``, positions (B, P), velocities (B, P) or (B, 0), seconds spent so far."""

    t: int
    r: Array
    v: Array
    wall: float


class Memory:
    """The workspace of a run that has no file: nothing outlives the process."""

    path = None

    def __init__(self) -> None:
        self._configurations: dict[str, Array] = {}
        self._rows: dict[int, Rows] = {}
        self._states: dict[int, State] = {}

    def put(self, name: str, configuration: Array) -> None:
        """Keep a configuration under ``name``."""
        self._configurations[name] = np.array(configuration)

    def get(self, name: str) -> Array:
        """The configuration kept under ``name``."""
        return self._configurations[name]

    def checkpoint(self, chunk: Chunk, begin: int, rows: Rows, state: State) -> None:
        """Keep what was measured after step ``begin``, and the state now."""
        _merge(self._rows.setdefault(chunk.number, {}), rows)
        self._states[chunk.number] = state

    def rewind(self, chunk: Chunk, t: int) -> None:
        """Forget what a chunk did after step ``t``: in memory there is nothing."""

    def state(self, chunk: Chunk) -> State | None:
        """The last state of a chunk; None if it has not begun."""
        return self._states.get(chunk.number)

    def rows(self, chunk: Chunk) -> Rows:
        """All that was measured on a chunk."""
        return self._rows.get(chunk.number, {})


class Folder:
    """The folder of an unfinished run. One process at a time: another raises InvalidInput."""

    def __init__(self, path: Path, manifest: Mapping[str, Any]):
        self.path, self.manifest = path, dict(manifest)
        self._lock: BinaryIO | None = None
        self._begins: dict[str, int] = {}
        self._sound: set[str] = set()

    @classmethod
    def create(cls, path: Path, manifest: Mapping[str, Any]) -> "Folder":
        """A new folder, taken for this process; it counts from its :meth:`commit` on.

        Raises InvalidInput if the place cannot be written or another process is at work there.
        """
        folder = cls(path, {"format": FORMAT, **manifest})
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"folder {path} cannot be made: {error.strerror}") from error
        folder.acquire()
        foreign = sorted(p.name for p in path.iterdir() if not OURS.fullmatch(p.name))
        if foreign:
            folder.release()
            raise InvalidInput(f"folder {path} is not an unfinished run: it holds {foreign[0]}; move it away")
        for left in path.glob("*.npz"):  # of one that never counted
            left.unlink()
        return folder

    def commit(self) -> None:
        """Write the manifest: a folder without one holds nothing of value."""
        files.write_bytes(self.path / MANIFEST, json.dumps(self.manifest, indent=1).encode(), overwrite=True)

    @classmethod
    def open(cls, path: Path) -> "Folder":
        """An existing folder, to be looked at; :meth:`acquire` it before writing.

        Raises InvalidInput if it is missing, foreign, damaged or of another version.
        """
        try:
            manifest = json.loads((path / MANIFEST).read_bytes())
            version = manifest["format"]
        except FileNotFoundError as error:
            raise InvalidInput(f"{path} holds no unfinished run (no {MANIFEST})") from error
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InvalidInput(f"{path / MANIFEST} is not readable ({type(error).__name__})") from error
        if version != FORMAT:
            raise InvalidInput(
                f"{path} has checkpoint format {version!r}, this deepglass reads {FORMAT}: finish it with the"
                " version that began it"
            )
        for name, kind in CONTENTS.items():
            if not isinstance(manifest.get(name), kind):
                raise InvalidInput(
                    f"{path / MANIFEST} is not readable: {name} is missing or of the wrong kind"
                )
        return cls(path, manifest)

    def acquire(self) -> None:
        """Take the folder for this process; the system gives it back when the process ends, however."""
        try:
            self._lock = open(self.path / "lock", "wb")  # noqa: SIM115 (held until the process ends)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(self._lock.fileno()), os.stat(self.path / "lock")):
                raise BlockingIOError  # the folder was removed between the two lines above, or made anew
        except BlockingIOError as error:
            self.release()  # the handle, which holds no lock
            raise InUse(f"{self.path} is in use by another process") from error
        except OSError as error:
            self.release()
            raise InvalidInput(f"{self.path} cannot be written: {error.strerror}") from error
        for left in self.path.glob(".*.tmp"):  # of a process that was killed
            left.unlink(missing_ok=True)

    def release(self) -> None:
        """Let others have the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> "Folder":
        if self._lock is None:
            self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def remove(self) -> None:
        """Delete the folder, manifest first: a half-deleted one is no unfinished run."""
        (self.path / MANIFEST).unlink(missing_ok=True)
        for path in self.path.iterdir():
            if OURS.fullmatch(path.name):
                path.unlink(missing_ok=True)
        with suppress(OSError):  # somebody keeps something there
            self.path.rmdir()
        self.release()

    def put(self, name: str, configuration: Array) -> None:
        """Keep a configuration under ``name``."""
        self._write(f"{name}.npz", {"r": configuration})
        self._sound.add(f"{name}.npz")

    def get(self, name: str) -> Array:
        """The configuration kept under ``name``; raises InvalidInput if it is missing or damaged."""
        try:
            return read_archive(self.path / f"{name}.npz")["r"]
        except KeyError as error:
            raise InvalidInput(f"{self.path / name}.npz is damaged") from error

    def checkpoint(self, chunk: Chunk, begin: int, rows: Rows, state: State) -> None:
        """Keep what was measured after step ``begin``, and the state now."""
        segment = _name(chunk, "segment", state.t)
        self._write(segment, {"begin": np.array(begin), **_packed(rows)})
        self._begins[segment] = begin
        content = {"t": np.array(state.t), "r": state.r, "v": state.v, "wall": np.array(state.wall)}
        self._write(_name(chunk, "state", state.t), content)
        for old in sorted(self._steps(chunk, "state"))[:-2]:  # the last two: one may be damaged
            (self.path / _name(chunk, "state", old)).unlink(missing_ok=True)

    def state(self, chunk: Chunk) -> State | None:
        """The last state of a chunk that can be read and has everything measured before it."""
        measured = self._chain(chunk)
        for t in sorted(self._steps(chunk, "state"), reverse=True):
            path = self.path / _name(chunk, "state", t)
            if t not in measured:
                log.warning("%s: what was measured before it is missing or damaged; going further back", path)
                continue
            if not self._configurations_sound(chunk, t):
                log.warning("%s: a configuration from before it is damaged; going further back", path)
                continue
            try:
                found = read_archive(path)
                return State(int(found["t"]), found["r"], found["v"], float(found["wall"]))
            except (InvalidInput, KeyError, TypeError, ValueError) as error:
                log.warning("%s; going further back", error)
        return None

    def rows(self, chunk: Chunk) -> Rows:
        """All that was measured on a chunk that is done; raises InvalidInput for a damaged segment."""
        rows: Rows = {}
        for t in self._chain(chunk):
            _merge(rows, _unpacked(read_archive(self.path / _name(chunk, "segment", t))))
        return rows

    def step(self, chunk: Chunk) -> int:
        """How far a chunk is, by the names of its files alone."""
        return max(self._steps(chunk, "state"), default=chunk.first)

    def rewind(self, chunk: Chunk, t: int) -> None:
        """Forget what a chunk did after step ``t``: it will be done again."""
        for what in ("segment", "state"):
            for later in self._steps(chunk, what):
                if later > t:
                    self._begins.pop(_name(chunk, what, later), None)
                    (self.path / _name(chunk, what, later)).unlink(missing_ok=True)

    def _chain(self, chunk: Chunk) -> list[int]:
        """Ends of the readable segments, each of which begins where the one before it ended."""
        found = []
        end = chunk.first - 1  # the first begins before the first step
        for t in sorted(self._steps(chunk, "segment")):
            if self._begin(_name(chunk, "segment", t)) != end:
                break
            found.append(t)
            end = t
        return found

    def _begin(self, segment: str) -> int | None:
        """Where a segment begins; None if it cannot be read. It is read as a whole, once."""
        if segment not in self._begins:
            try:
                self._begins[segment] = int(read_archive(self.path / segment)["begin"])
            except (InvalidInput, KeyError, TypeError, ValueError) as error:
                log.warning("%s", error)
                return None
        return self._begins[segment]

    def _configurations_sound(self, chunk: Chunk, t: int) -> bool:
        """Whether all configurations that a chunk kept up to step ``t`` can be read; each is read once."""
        for path in self.path.glob("*.npz"):
            taken = taken_at(path.name, chunk)
            if taken is None or taken > t or path.name in self._sound:
                continue
            try:
                read_archive(path)["r"]
            except (InvalidInput, KeyError) as error:
                log.warning("%s", error)
                return False
            self._sound.add(path.name)
        return True

    def _steps(self, chunk: Chunk, what: str) -> list[int]:
        pattern = re.compile(rf"chunk-{chunk.number:04d}\.{what}-(\d+)\.npz")
        return [int(m[1]) for p in self.path.iterdir() if (m := pattern.fullmatch(p.name))]

    def _write(self, name: str, arrays: dict[str, Any]) -> None:
        def write(stream: BinaryIO) -> None:
            np.savez(stream, **arrays)

        try:
            files.write_with(self.path / name, write, overwrite=True)
        except InvalidInput as error:
            how = f"make room, then: python -m simulate resume {finished_of(self.path)}"
            raise WriteFailed(f"{error}; {how}") from error


Workspace = Memory | Folder


def split_name(t_w: int, sample: int, velocities: bool = False) -> str:
    """Under which name a sample's positions or velocities at t_w are kept; samples count from 0 here."""
    return f"split-{t_w}.sample-{sample}{'.velocities' if velocities else ''}"


def frame_name(chunk: Chunk, since: int) -> str:
    """Under which name a chunk's positions ``since`` steps after t_w are kept."""
    return f"chunk-{chunk.number:04d}.frame-{since}"


def taken_at(name: str, chunk: Chunk) -> int | None:
    """The step at which the configuration in the file ``name`` was kept by ``chunk``; None if it was not."""
    if chunk.t_w is None:
        split = re.fullmatch(r"split-(\d+)\.sample-(\d+)(\.velocities)?\.npz", name)
        return int(split[1]) if split and int(split[2]) in chunk.samples else None
    frame = re.fullmatch(rf"chunk-{chunk.number:04d}\.frame-(\d+)\.npz", name)
    return chunk.t_w + int(frame[1]) if frame else None


def partial_of(path: str | Path) -> Path:
    """The folder in which the run ``path`` lives while it goes; ``path`` itself if that is the folder."""
    return Path(path) if str(path).endswith(SUFFIX) else Path(f"{path}{SUFFIX}")


def finished_of(path: str | Path) -> Path:
    """The file a run ends in, from its name or that of its folder."""
    return Path(str(path).rstrip("/").removesuffix(SUFFIX))


def protocol_of(path: str | Path) -> BaseProtocol:
    """The protocol of a run, finished (RUN.nc) or not (its folder); raises InvalidInput if unreadable."""
    if not Path(path).is_dir() and finished_of(path).exists():
        return of_attributes(schema.read(path, "run").attrs)
    return of_manifest(Folder.open(partial_of(path)).manifest)


def progress_of(path: str | Path) -> tuple[int, int]:
    """Replica-steps done at the last checkpoints, and in all, of an unfinished run."""
    folder = Folder.open(partial_of(path))
    protocol = of_manifest(folder.manifest)
    parts = chunks(protocol, int(folder.manifest["limit"]))
    done = sum(part.machines * (max(folder.step(part), part.first) - part.first) for part in parts)
    return done, sum(part.replica_steps for part in parts)


def _packed(rows: Rows) -> dict[str, Array]:
    """Each variable as one array over its times, beside these."""
    packed = {}
    for name, row in rows.items():
        packed[name] = np.stack(list(row.values()))
        packed[f"{name} times"] = np.array(list(row))
    return packed


def _unpacked(segment: Mapping[str, Array]) -> Rows:
    names = [name for name in segment if f"{name} times" in segment]
    return {name: dict(zip(segment[f"{name} times"].tolist(), segment[name], strict=True)) for name in names}


def _merge(into: Rows, rows: Rows) -> None:
    for name, row in rows.items():
        into.setdefault(name, {}).update(row)


def _name(chunk: Chunk, what: str, t: int) -> str:
    return f"chunk-{chunk.number:04d}.{what}-{t:012d}.npz"
