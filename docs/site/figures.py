"""Every figure of paper_figures with its numbers, drawn from stored results into ``results/figures``.

The numbers are those of the figures themselves (claims, scores, checks), kept beside the pictures in
``numbers.json`` with a digest of code and data: what is there and of the same digest is taken as it is, the
rest is drawn again. ``python docs/site/figures.py [PAPER,PAPER ...]`` does so before a build, which then only
reads.
"""

import hashlib
import importlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "results" / "figures"
NUMBERS = "numbers.json"
SIZE = "laptop"

AGREES, DIFFERS, SILENT, MISSING = "agrees", "differs", "nothing to compare", "not measured"
KINDS = {
    "agrees": AGREES, "passes": AGREES, "within error": AGREES, "ok": AGREES,
    "differs": DIFFERS, "fails": DIFFERS, "off": DIFFERS,
    "no reference": SILENT, "reported": SILENT, "no error bar": SILENT,
    "grows": SILENT, "shrinks": SILENT, "does not grow": SILENT, "solid throughout": SILENT,
    "undecided": SILENT, "too few samples": SILENT,
    "not reached": MISSING, "undefined": MISSING, "not run at this size": MISSING, "not measured": MISSING,
}  # fmt: skip
"""What the verdicts of all kinds of numbers come to; one that is not here stops the build."""


@dataclass(frozen=True)
class Row:
    """One number. ``beside``: the paper's, or what is known or expected; ``verdict``: as its figure says."""

    what: str
    ours: str
    beside: str
    verdict: str
    note: str = ""

    @property
    def kind(self) -> str:
        """One of the four that the gallery filters by."""
        return KINDS[self.verdict]


@dataclass(frozen=True)
class Drawn:
    """A figure: ``name`` of its files, the module that draws it, and its numbers."""

    name: str
    module: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Paper:
    """The figures of one paper, or of our own.

    Attributes:
        title, lead: of its part of the gallery; ``lead`` is Markdown.
        beside: heading of what stands beside our numbers.
        draw: draws all figures into a folder, and yields them.
        data: folders of stored results they are drawn from, under paper_figures/data.
    """

    title: str
    lead: str
    beside: str
    draw: Callable[[Path], Iterator[Drawn]]
    data: tuple[str, ...] = field(default=())


def _claims(claims: Iterable[Any]) -> tuple[Row, ...]:
    from paper_figures.huang2025.claims import rows
    from paper_figures.huang2025.explanations import explanation

    found = []
    for claim, row in zip(claims := list(claims), rows(claims), strict=True):
        why = explanation(claim) if claim.verdict == "differs" else row["note"]
        what = f"{row['panel']}: {row['number']}"
        told = {"null": " (our null)", "text": " (text)"}.get(row["source"], "")
        found.append(Row(what, row["ours"], f"{row['paper']}{told}", claim.verdict, why))
    return tuple(found)


def _scores(scores: Iterable[Any]) -> tuple[Row, ...]:
    from paper_figures.stored.scores import rows

    return tuple(
        Row(what, ours, expected, verdict, f"null: {null}" if null else "")
        for what, ours, null, expected, verdict in rows(scores)
    )


def _checks(checks: Iterable[Any]) -> tuple[Row, ...]:
    def text(value: float | None, digits: int) -> str:
        return "" if value is None else "-" if value != value else f"{value:.{digits}g}"

    rows = []
    for check in checks:
        digits = 3 if check.tolerance is None else 8  # reported as it is, or held against what is known
        rows.append(Row(check.name, text(check.value, digits), text(check.expected, digits), check.verdict))
    return tuple(rows)


def _huang2025(out: Path) -> Iterator[Drawn]:
    from paper_figures import huang2025

    for name, claims in huang2025.make(out, None, SIZE, from_stored=True, overwrite=True):
        yield Drawn(name, f"huang2025.figure_{name.removeprefix('fig').lower()}", _claims(claims))


def _stored(package: str, studies: str, told: Callable[[Iterable[Any]], tuple[Row, ...]]) -> Any:
    def draw(out: Path) -> Iterator[Drawn]:
        from paper_figures.stored.figures import make

        module = importlib.import_module(f"paper_figures.{package}")
        results = importlib.import_module(f"paper_figures.{studies}.studies").results_at(SIZE)
        for name, numbers in make(module, results, out, runs=None, overwrite=True):
            yield Drawn(name, f"{package}.{name}", told(numbers))

    return draw


def _yoshino2020(out: Path) -> Iterator[Drawn]:
    from paper_figures import yoshino2020

    for name, checks in yoshino2020.make(out, None, SIZE, overwrite=True):
        yield Drawn(name, f"yoshino2020.{name}", _checks(checks))
    yield from _stored("yoshino2020", "perceptron", _checks)(out)


def _own_networks(out: Path) -> Iterator[Drawn]:
    from paper_figures.own_networks import FIGURES, studies
    from paper_figures.sheet import targets

    for name in FIGURES:
        module = importlib.import_module(f"paper_figures.own_networks.{name}")
        found = module.gather(SIZE, studies.DATA, False, None)
        if found and all(len(each) for each in found.values()):
            told = module.draw(found, targets(out, name, True), True)
            rows = [
                Row(f"{line}; {solid}", slope, span, verdict) for line, solid, slope, span, verdict in told
            ]
            yield Drawn(name, f"own_networks.{name}", tuple(rows))


PAPERS: Mapping[str, Paper] = {
    "huang2025": Paper(
        "Huang and others 2025: the thermal machine",
        "Liquid and solid layers in a thermal deep learning machine, arXiv:2506.06789. Spins and weights of"
        " a deep network move as particles at a temperature. [How the figures are made](figures.md), [every"
        " number in one list](scoreboard.md), [which reading of the paper gives its curves](readings.md).",
        "paper",
        _huang2025,
        ("huang2025",),
    ),
    "yoshino2020": Paper(
        "Yoshino 2020: the layered replica theory",
        "From complex to simple, SciPost Phys. Core 2, 005, arXiv:1910.09918. What a deep chain of"
        " perceptrons is predicted to do. The paper's curves are not digitised: *agrees* is here with closed"
        " forms, with 30-digit references and with what must hold, not with the paper. Two of its statements"
        " are not confirmed: a solid that [grows as ln alpha](theory.md#8-predictions), and broken"
        " solutions [at large alpha](theory_rsb.md#4-what-is-found). [The theory](theory.md), [with broken"
        " symmetry](theory_rsb.md).",
        "known",
        _yoshino2020,
        ("deep_perceptron",),
    ),
    "yoshino2023": Paper(
        "Yoshino 2023: students of a deep teacher",
        "After Phys. Rev. Research 5, 033068: the dynamics in kind, the figures ours."
        " [The deep perceptron, simulated](deep_perceptron.md).",
        "known",
        _stored("yoshino2023", "perceptron", _checks),
        ("deep_perceptron",),
    ),
    "kerr_winter2025": Paper(
        "Kerr Winter and Janssen 2025: glassy dynamics",
        "Glassy dynamics in deep neural networks, Phys. Rev. Research 7, 023010, arXiv:2405.13098. What is"
        " expected is of an independent run of networks of this size and of the paper's claims; the null is"
        " free diffusion. [What is found](glassy_dynamics.md).",
        "expected",
        _stored("kerr_winter2025", "kerr_winter2025", _scores),
        ("relu_network",),
    ),
    "zou_huang2021": Paper(
        "Zou and Huang 2021: the Ising model of weight space",
        "Data-driven effective model shows a liquid-like deep learning, Phys. Rev. Research 3, 033290,"
        " arXiv:2007.08093. [What stands of it](effective_ising.md).",
        "expected",
        _stored("zou_huang2021", "zou_huang2021", _scores),
        ("weight_space",),
    ),
    "deep_perceptron": Paper(
        "Our question: which closure?",
        "Dilute chains of perceptrons, simulated, beside the two closures of the theory. A small c shifts all"
        " overlaps, so that distances decide little (three of the four hard chains are nearer to the gaussian"
        " closure); what tells the closures apart is the difference of output and input side, and it has the"
        " sign of the site closure. [Which closure?](which_closure.md)",
        "expected",
        _stored("perceptron", "perceptron", _checks),
        ("deep_perceptron",),
    ),
    "own_networks": Paper(
        "Our question: ordinary networks",
        "Ordinary networks, trained by Adam and SGD: what several trainings share, layer by layer."
        " [Your own networks](own_networks.md). *Ours* is the slope of the thickness of the solid in"
        " ln alpha, beside it its 95 % interval.",
        "95 %",
        _own_networks,
        ("own_networks",),
    ),
}  # fmt: skip
"""By the name of their folder in results/figures, as `make figures` has it."""

SLOWEST = "yoshino2020"
"""Solves what it draws, for minutes: it begins first."""


def digest(paper: str) -> str:
    """Of all code that draws, and of the stored results behind a paper's figures."""
    code = [
        path
        for package in ("paper_figures", "compare", "theory", "simulate", "deepglass")
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", ".csv", ".mplstyle")
    ]
    data = [p for name in PAPERS[paper].data for p in (ROOT / "paper_figures" / "data" / name).rglob("*.nc")]
    found = hashlib.sha256()
    for path in sorted([*code, *data]):
        found.update(f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def stored(paper: str) -> list[Drawn] | None:
    """What is drawn already; None if it is not, or not of the code and data that are here now."""
    path = FIGURES / paper / NUMBERS
    if not path.is_file():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    if found["digest"] != digest(paper):
        return None
    drawn = [
        Drawn(each["name"], each["module"], tuple(Row(**row) for row in each["rows"]))
        for each in found["figures"]
    ]
    shas = {d.name: _sha(FIGURES / paper / f"{d.name}.png") for d in drawn}
    return drawn if all(shas.values()) and shas == found["pictures"] else None


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def gathered(paper: str, tell: Callable[[str], None] = lambda line: None) -> list[Drawn]:
    """All figures of a paper, drawn where they are not."""
    known = stored(paper)
    if known is not None:
        return known
    folder = FIGURES / paper
    tell(f"drawing the figures of {paper} from stored results")
    drawn = list(PAPERS[paper].draw(folder))
    for unknown in {row.verdict for d in drawn for row in d.rows} - set(KINDS):
        raise ValueError(f"verdict {unknown!r} of {paper} is none that the gallery knows")
    content = {
        "digest": digest(paper),
        "pictures": {d.name: _sha(folder / f"{d.name}.png") for d in drawn},
        "figures": [asdict(d) for d in drawn],
    }
    (folder / NUMBERS).write_text(json.dumps(content, indent=1), encoding="utf-8")
    return drawn


def draw(paper: str) -> None:
    """What is not drawn yet, told in a line; for a process of its own."""
    sys.path.insert(0, str(ROOT))
    gathered(paper, lambda line: print(line, flush=True))


if __name__ == "__main__":
    wanted = [name for words in sys.argv[1:] for name in words.split(",")] or list(PAPERS)
    if unknown := set(wanted) - set(PAPERS):
        sys.exit(f"there is no {', '.join(sorted(unknown))}; papers are {', '.join(PAPERS)}")
    wanted.sort(key=lambda name: name != SLOWEST)
    with ProcessPoolExecutor() as pool:
        list(pool.map(draw, wanted))
