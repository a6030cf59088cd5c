"""The stored results of the studies: what is there, what is missing, and how the missing is run.

Runs live in a working folder, outside the repository; what is kept of them (:mod:`.reduced`) in the folder of
data. Whatever stops the work, the next call goes on: finished samples are kept, an unfinished run is resumed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import xarray as xr

from deepglass import schema
from deepglass.errors import DeepglassError, InvalidInput
from paper_figures.huang2025 import reduced
from paper_figures.huang2025.studies import studies_at
from paper_figures.huang2025.study import Study
from simulate import Protocol
from simulate.sweep import Point, State, run_sweep

DATA = Path(__file__).parents[1] / "data" / "huang2025"
RUNS = Path("results/runs/huang2025")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Results:
    """The results of all studies at one size, in a folder."""

    size: str
    data: Path = DATA

    def file(self, study: str, label: str) -> Path:
        """Where the result of an ensemble is kept."""
        return self.data / self.size / study / f"{label}.nc"

    def get(self, study: str, label: str) -> xr.Dataset | None:
        """The result of an ensemble, with the samples there are; None if there is none at this size.

        Raises InvalidInput for one of other parameters than the study has now.
        """
        wanted = studies_at(self.size)[study]
        return self.of(wanted, label) if label in wanted.ensembles else None

    def of(self, study: Study, label: str) -> xr.Dataset | None:
        """The same for a study that is not among those of the figures."""
        path = self._bundle(study) if study.bundled else self.file(study.name, label)
        found = _stored(path, path.stat().st_mtime_ns, label) if path.exists() else None
        if found is None:
            return None
        wanted = reduced.identity(study.ensembles[label])
        if changed := reduced.difference(found.attrs["identity"], wanted):
            raise InvalidInput(f"{path} is of other parameters ({changed}); delete it and run it anew")
        return found

    def _bundle(self, study: Study) -> Path:
        return self.data / self.size / f"{study.name}.nc"

    def missing(self, study: Study, label: str) -> list[Protocol]:
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
        runs: Path = RUNS,
        workers: int | None = None,
        progress: Progress | None = None,
        labels: list[str] | None = None,
    ) -> None:
        """Run what is missing of a study and keep it.

        Raises DeepglassError if a run failed (what the others found is kept), InvalidInput before any work
        for a folder that cannot be written.
        """
        folder = runs / self.size / study.name
        points = list(self._points(study, labels or list(study.ensembles)))
        if not points:
            return
        try:
            outcomes = run_sweep(
                [point for point, _ in points], folder, workers=workers, progress=progress, retry=True
            )
        finally:
            self.harvest(study, runs)
        failed = [outcome for outcome in outcomes if outcome.state is not State.done]
        if failed:
            first = failed[0]
            raise DeepglassError(
                f"study {study.name}: {len(failed)} of {len(points)} runs are not done;"
                f" {first.point.name}: {first.reason or first.state}"
            )

    def harvest(self, study: Study, runs: Path = RUNS) -> None:
        """Keep what finished runs of a study found that is not kept yet."""
        folder = runs / self.size / study.name
        fresh: dict[str, list[xr.Dataset]] = {}
        for point, label in self._points(study, list(study.ensembles)):
            file = point.file(folder)
            if file.exists():
                fresh.setdefault(label, []).append(reduced.reduce(schema.read(file, "run"), study.keep))
        for label, found in fresh.items():
            old = self.of(study, label)
            fresh[label] = [reduced.join([*([] if old is None else [old]), *found])]
        if not study.bundled:
            for label, (joined,) in fresh.items():
                reduced.write(joined, self.file(study.name, label))
        elif fresh:
            path = self._bundle(study)
            kept = dict(_bundled(path, path.stat().st_mtime_ns)) if path.exists() else {}
            kept |= {label: joined for label, (joined,) in fresh.items()}
            schema.write(reduced.pack(kept), path, "bundle", overwrite=True)

    def _points(self, study: Study, labels: list[str]) -> Iterator[tuple[Point, str]]:
        """The missing runs as points of a sweep."""
        index = 0
        for label in labels:
            for part in self.missing(study, label):
                last = part.first_sample + part.samples - 1
                yield Point(index, f"{label}.samples={part.first_sample}-{last}", {}, part), label
                index += 1


def _stored(path: Path, changed: int, label: str) -> xr.Dataset | None:
    """An ensemble's result in its own file, or in the bundle of its study."""
    if path.stem == label:
        return _alone(path, changed)
    return _bundled(path, changed).get(label)


@lru_cache(maxsize=64)
def _alone(path: Path, changed: int) -> xr.Dataset:
    return reduced.read(path)


@lru_cache(maxsize=4)
def _bundled(path: Path, changed: int) -> dict[str, xr.Dataset]:
    return reduced.unpack(schema.read(path, "bundle"))
