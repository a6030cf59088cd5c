"""The stored results of the studies: what is there, what is missing, and how the missing is run.

Runs live in a working folder, outside the repository; what is kept of them (:mod:`.reduced`) in the folder of
data. Whatever stops the work, the next call goes on: finished samples are kept, an unfinished run is resumed.
"""

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import xarray as xr

from deepglass import files, schema
from deepglass.errors import DeepglassError, InvalidInput
from paper_figures.stored import reduced
from paper_figures.stored.study import Study
from simulate.protocol import BaseProtocol
from simulate.registry import system_of
from simulate.sweep import Point, State, run_sweep

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Results:
    """The results of a paper's studies at one size.

    Attributes:
        data: the folder of the stored results of all sizes.
        studies: by name; those of this size.
    """

    size: str
    data: Path
    studies: Mapping[str, Study]

    def file(self, study: str, label: str) -> Path:
        """Where the result of an ensemble is kept."""
        return self.data / self.size / study / f"{label}.nc"

    def get(self, study: str, label: str) -> xr.Dataset | None:
        """The result of an ensemble, with the samples there are; None if there is none at this size.

        Raises InvalidInput for one of other parameters than the study has now.
        """
        wanted = self.studies[study]
        return self.of(wanted, label) if label in wanted.ensembles else None

    def of(self, study: Study, label: str) -> xr.Dataset | None:
        """The same for a study that need not be among them."""
        path = self.path(study, label)
        found = _stored(path, path.stat().st_mtime_ns, label) if path.exists() else None
        if found is None:
            return None
        wanted = reduced.identity(study.ensembles[label])
        if changed := reduced.difference(found.attrs["identity"], wanted):
            raise InvalidInput(f"{path}: {label} is of other parameters ({changed}); delete it and its runs")
        return found

    def path(self, study: Study, label: str) -> Path:
        """The file that holds the result of an ensemble, alone or with others."""
        return self._bundle(study) if study.bundled else self.file(study.name, label)

    def _bundle(self, study: Study) -> Path:
        return self.data / self.size / f"{study.name}.nc"

    def missing(self, study: Study, label: str) -> list[BaseProtocol]:
        """The runs whose samples are not there yet."""
        found = self.of(study, label)
        there = set() if found is None else set(found["sample"].values.tolist())
        return [
            part
            for part in study.parts(label)
            if not there.issuperset(range(part.first_sample, part.first_sample + part.samples))
        ]

    def complete(
        self,
        study: Study,
        runs: Path,
        workers: int | None = None,
        progress: Progress | None = None,
        labels: list[str] | None = None,
    ) -> None:
        """Run what is missing of a study and keep it.

        Raises InvalidInput before any work for a folder that cannot be written, a stored result of other
        parameters and one on other data than there are now; DeepglassError if a run failed (what the others
        found is kept).
        """
        wanted = list(study.ensembles) if labels is None else labels
        for label in wanted:
            files.check_target(self.path(study, label), overwrite=True)
        self.harvest(study, runs, wanted)  # what a call that was killed has left
        points = [point for label in wanted for point in self._points(study, label)]
        if not points:
            return
        for label in wanted:
            self._check_data(study, label)
        points = [replace(point, index=index) for index, point in enumerate(points)]
        folder = runs / self.size / study.name
        try:
            outcomes = run_sweep(points, folder, workers=workers, progress=progress, retry=True)
        except BaseException:
            with suppress(DeepglassError):  # the first error is the one to tell
                self.harvest(study, runs, wanted)
            raise
        self.harvest(study, runs, wanted)
        failed = [outcome for outcome in outcomes if outcome.state is not State.done]
        if failed:
            first = failed[0]
            raise DeepglassError(
                f"study {study.name}: {len(failed)} of {len(points)} runs are not done;"
                f" {first.point.name}: {first.reason or first.state}"
            )

    def harvest(self, study: Study, runs: Path, labels: list[str] | None = None) -> None:
        """Keep what finished runs of a study found that is not kept yet.

        Raises InvalidInput, after all others are kept, for runs of other parameters or on other data.
        """
        problems, fresh = [], {}
        for label in list(study.ensembles) if labels is None else labels:
            try:
                paths = [point.file(runs / self.size / study.name) for point in self._points(study, label)]
                found = [_reduced(path, study, label) for path in paths if path.exists()]
                if found:
                    fresh[label] = found
            except InvalidInput as error:
                problems.append(str(error))
        groups = [list(fresh)] if study.bundled and fresh else [[label] for label in fresh]
        for group in groups:  # each a file
            with _alone(self.path(study, group[0])):
                joined = {}
                for label in group:
                    try:
                        joined[label] = self._joined(study, label, fresh[label])
                    except InvalidInput as error:
                        problems.append(str(error))
                self._store(study, joined)
        if problems:
            raise InvalidInput("; ".join(problems))

    def _joined(self, study: Study, label: str, fresh: list[xr.Dataset]) -> xr.Dataset:
        """What is stored now, with what runs have found since; their samples replace those that are there."""
        old = self.of(study, label)
        if old is None:
            return reduced.join(fresh)
        known = {s for result in fresh for s in result["sample"].values.tolist()}
        rest = [s for s in old["sample"].values.tolist() if s not in known]
        return reduced.join([old.sel(sample=rest), *fresh] if rest else fresh)

    def _store(self, study: Study, results: dict[str, xr.Dataset]) -> None:
        if not study.bundled:
            for label, result in results.items():
                reduced.write(result, self.file(study.name, label))
        elif results:
            path = self._bundle(study)
            kept = dict(_bundled(path, path.stat().st_mtime_ns)) if path.exists() else {}
            schema.write(reduced.pack({**kept, **results}), path, "bundle", overwrite=True)

    def _check_data(self, study: Study, label: str) -> None:
        """Further samples of a stored result must be on its data, where its system has any."""
        old = self.of(study, label)
        if old is None or not old.attrs["data_sha256"] or not self.missing(study, label):
            return
        protocol = study.ensembles[label]
        now = system_of(protocol).load(protocol)
        if now.sha256 != old.attrs["data_sha256"]:
            raise InvalidInput(
                f"{self.path(study, label)} is on other data ({old.attrs['data_source']}) than there are now"
                f" ({now.source}); name a folder of data of its own by --data"
            )

    def _points(self, study: Study, label: str) -> Iterator[Point]:
        """The missing runs of an ensemble as points of a sweep."""
        for index, part in enumerate(self.missing(study, label)):
            last = part.first_sample + part.samples - 1
            yield Point(index, f"{label}.samples={part.first_sample}-{last}", {}, part)


def _reduced(path: Path, study: Study, label: str) -> xr.Dataset:
    """What is kept of a run; raises InvalidInput if it is not one of this ensemble."""
    result = reduced.reduce(schema.read(path, "run"), study.keep)
    wanted = reduced.identity(study.ensembles[label])
    if changed := reduced.difference(result.attrs["identity"], wanted):
        raise InvalidInput(f"{path} is a run of other parameters ({changed}); delete it")
    return result


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time adds to a result."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.parent / ".lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stored(path: Path, changed: int, label: str) -> xr.Dataset | None:
    """An ensemble's result in its own file, or in the bundle of its study."""
    if path.stem == label:
        return _single(path, changed)
    return _bundled(path, changed).get(label)


@lru_cache(maxsize=64)
def _single(path: Path, changed: int) -> xr.Dataset:
    return reduced.read(path)


@lru_cache(maxsize=4)
def _bundled(path: Path, changed: int) -> dict[str, xr.Dataset]:
    return reduced.unpack(schema.read(path, "bundle"))
