"""What a sweep is, as data: a TOML file becomes a list of points, each with its protocol and its file.

::

    samples_per_file = 2            # optional: the samples of a point go to several files
    system = "thermal-machine"      # optional, this is the default: a name in simulate.registry
    preset = "huang2025"            # optional: where [run] and the rest say nothing

    [run]                           # what all points share, by the names of the system's protocol
    data = "mnist"
    samples = 4

    [grid]                          # every combination of these
    width = [5, 10, 20, 40]
    temperature = [1e-5, 1e-4]

    [[points]]                      # or, and then with every combination: sets of values that go together
    patterns = 250
    steps = 100_000
"""

import difflib
import hashlib
import itertools
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from deepglass import checks
from deepglass.errors import InvalidInput
from deepglass.schema import FIRST_SYSTEM
from simulate.plan import chunks
from simulate.protocol import BaseProtocol
from simulate.registry import named

__all__ = ["Point", "expand", "load", "pick", "share"]

MOST_POINTS = 100_000
"""Files in a folder beyond which a sweep is a slip of the pen."""

LONGEST = 150
"""Letters of a name; file systems take 255 bytes, and suffixes are added."""

Values = dict[str, Any]


@dataclass(frozen=True)
class Point:
    """One file of a sweep.

    Attributes:
        index: its place in the sweep, from 0.
        name: stem of its file, made of what is swept and nothing else: stable when the grid grows.
        values: what is swept, as the protocol holds it.
        protocol: all parameters.
    """

    index: int
    name: str
    values: Values
    protocol: BaseProtocol

    def file(self, folder: Path) -> Path:
        """Where its run is written."""
        return folder / f"{self.name}.nc"

    @property
    def machines(self) -> int:
        """Replicas in all."""
        protocol = self.protocol
        return protocol.samples * protocol.replicas * len(protocol.waiting_times)

    @property
    def replica_steps(self) -> int:
        """Its work."""
        parts = chunks(self.protocol, self.protocol.samples * self.protocol.replicas)
        return sum(part.replica_steps for part in parts)


def load(path: str | Path) -> list[Point]:
    """The points of a sweep file.

    Raises InvalidInput, naming the file and the value, if it cannot be read, has an unknown name or an empty
    list, or if any of its points has a parameter that cannot be or is there twice.
    """
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"sweep file {path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise InvalidInput(f"sweep file {path} is no TOML: {error}") from error
    try:
        return expand(table)
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}") from error


def expand(table: Mapping[str, Any]) -> list[Point]:
    """The points of a sweep given as nested mappings, as the TOML file holds it; raises as :func:`load`."""
    for key in table:
        _known(key, ("system", "preset", "run", "grid", "points", "samples_per_file"), "")
    system = named(table.get("system", FIRST_SYSTEM))
    known = [field.name for field in fields(system.protocol)]
    run = _parameters(table.get("run", {}), "[run]", known)
    preset: Values = {}
    if "preset" in table:
        preset = dict(system.presets[checks.one_of("preset", table["preset"], system.presets)])
    per_file = table.get("samples_per_file")
    if per_file is not None:
        per_file = checks.integer("samples_per_file", per_file, 1)
    if not table.keys() & {"run", "grid", "points"}:
        raise InvalidInput("holds no sweep: a [run], [grid] or [[points]] table is needed")
    points: list[Point] = []
    wrong: list[str] = []
    for number, swept in enumerate(_swept(table, run, known)):
        try:
            protocol = system.protocol.from_values({**preset, **run, **swept})
        except InvalidInput as error:
            wrong.append(f"point {number} ({_text(swept)}): {error}" if swept else f"[run] {error}")
            continue
        values = {name: getattr(protocol, name) for name in sorted(swept)}
        for part in _split(protocol, per_file):
            points.append(Point(len(points), _name(values, part, per_file), values, part))
    if wrong:
        raise InvalidInput(wrong[0] + (f" (and {len(wrong) - 1} more points)" if len(wrong) > 1 else ""))
    _distinct(points)
    return points


def share(points: Sequence[Point], task: str) -> list[Point]:
    """Share I of N, written "I/N" with I from 0: every N-th point, so that dear and cheap ones mix.

    Raises InvalidInput for anything else.
    """
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", task, re.ASCII)
    if match is None or not int(match[1]) < int(match[2]):
        raise InvalidInput(f"task = {task!r} must be I/N with 0 <= I < N, such as 0/10")
    return list(points[int(match[1]) :: int(match[2])])


def pick(points: Sequence[Point], indices: Sequence[int]) -> list[Point]:
    """The points with these indices; raises InvalidInput for one that is not there."""
    chosen = {checks.integer("only", index, 0, len(points) - 1) for index in indices}
    return [points[index] for index in sorted(chosen)]


def _known(name: str, known: Sequence[str], where: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
        raise InvalidInput(f"{where} {name!r} is unknown; {hint}".strip())


def _parameters(table: object, where: str, known: Sequence[str]) -> Values:
    """A table whose keys are parameters of a protocol."""
    if not isinstance(table, dict):
        raise InvalidInput(f"{where} must be a table of parameters")
    for name in table:
        _known(name, known, where)
    return table


def _swept(table: Mapping[str, Any], run: Values, known: Sequence[str]) -> Iterator[Values]:
    """What each point sets: tables of [[points]] times the combinations of [grid]."""
    grid = _parameters(table.get("grid", {}), "[grid]", known)
    for name, values in grid.items():
        if not isinstance(values, list) or not values:
            raise InvalidInput(f"[grid] {name} = {values!r} must be a list of at least one value")
        if name in run:
            raise InvalidInput(f"{name} stands both in [run] and in [grid]; keep one")
    tables = table.get("points", [{}])
    if not isinstance(tables, list) or not tables:
        raise InvalidInput("[[points]] must be tables of parameters, at least one")
    for number, given in enumerate(tables):
        _parameters(given, f"[[points]] {number}", known)
        if "points" in table and not given:
            raise InvalidInput(f"[[points]] {number} is empty")
        for name in given:
            if name in grid:
                raise InvalidInput(f"{name} stands both in [grid] and in [[points]] {number}; keep one")
    if "grid" in table and not grid:
        raise InvalidInput("[grid] is empty")
    count = len(tables) * math.prod(len(values) for values in grid.values())
    if count > MOST_POINTS:
        raise InvalidInput(f"the sweep has {count:,} points; at most {MOST_POINTS:,} are possible")
    for given in tables:
        for values in itertools.product(*grid.values()):
            yield {**given, **dict(zip(grid, values, strict=True))}


def _split(protocol: BaseProtocol, per_file: int | None) -> list[BaseProtocol]:
    """The samples of a point, ``per_file`` in each of its protocols."""
    if per_file is None:
        return [protocol]
    return [
        replace(protocol, first_sample=protocol.first_sample + k, samples=min(per_file, protocol.samples - k))
        for k in range(0, protocol.samples, per_file)
    ]


def _distinct(points: Sequence[Point]) -> None:
    """Raise InvalidInput if two points are the same run, or would be the same file."""
    runs: dict[BaseProtocol, Point] = {}
    names: dict[str, Point] = {}
    for point in points:
        # Letters that differ in case alone are one file on some systems.
        same = runs.setdefault(point.protocol, point), names.setdefault(point.name.casefold(), point)
        for other in same:
            if other is not point:
                raise InvalidInput(f"points {other.index} and {point.index} are the same: {point.name}")


def _text(values: Values) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def _name(values: Values, protocol: BaseProtocol, per_file: int | None) -> str:
    name = "_".join(f"{key}={_word(value)}" for key, value in values.items()) or "run"
    if len(name) > LONGEST:
        name = f"{name[: LONGEST - 11]}-{_hash(name, 10)}"
    if per_file is None:
        return name
    first = protocol.first_sample
    return f"{name}.samples={first}-{first + protocol.samples - 1}"


def _word(value: Any) -> str:
    """A value in letters that every file system takes; what that loses is told apart by a short hash."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        word = "-".join(map(_word, value)) or "none"
        return f"{word}-{_hash(repr(value))}" if any(item < 0 for item in value) else word
    if isinstance(value, str) and (("/" in value) or value.endswith((".nc", ".npy", ".npz"))):
        return f"{_clean(Path(value).stem)[:40]}-{_hash(value)}"
    clean = _clean(str(value))
    return clean if clean == str(value) else f"{clean}-{_hash(str(value))}"


def _clean(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+-]", "-", text)


def _hash(text: str, letters: int = 6) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:letters]
