"""The built site in a real browser, and every link and picture of it."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

PHONE = 390
"""Pixels."""


class Page(HTMLParser):
    """What a page points to, and what in it can be pointed to."""

    def __init__(self, path: Path):
        super().__init__()
        self.targets: list[str] = []
        self.ids: set[str] = set()
        self.unnamed: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.ids |= {known[name] for name in ("id", "name") if known.get(name)}
        self.targets += [known[name] for name in ("href", "src") if known.get(name)]
        if tag == "img" and not known.get("alt"):
            self.unnamed.append(known.get("src", ""))


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Page]:
    return {path.resolve(): Page(path) for path in sorted(site.rglob("*.html"))}


def shown(site: Path) -> list[Path]:
    """Pages that are read; those of the source code are many and alike."""
    return [path for path in sorted(site.rglob("*.html")) if "_modules" not in path.parts]


def test_every_link_and_picture_resolves(pages):
    missing, checked = [], 0
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or target == "#":
                continue
            checked += 1
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not there.is_file():
                missing.append(f"{path.name}: {target}")
            elif parts.fragment and there in pages and unquote(parts.fragment) not in pages[there].ids:
                missing.append(f"{path.name}: {target} (no such place)")
    assert not missing, missing[:20]
    assert checked > 50


def test_nothing_is_loaded_from_elsewhere(pages):
    """Scripts, styles and pictures; links to papers may lead out."""
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|img|source)[^>]*\ssrc=\"(?:https?:)?//", text), path
        assert not re.findall(r"<link[^>]*rel=\"(?:stylesheet|preload)\"[^>]*href=\"(?:https?:)?//", text), (
            path
        )


def test_pictures_have_words(pages):
    assert {path.name: page.unnamed for path, page in pages.items() if page.unnamed} == {}


def test_every_page_loads_and_fits_a_phone(site, chromium):
    """No error in the console, nothing from the network, formulas set, no sideways scrolling of the page."""
    wrong = []
    tab = chromium.new_page(viewport={"width": PHONE, "height": 800})
    tab.on("console", lambda said: said.type == "error" and wrong.append(f"{tab.url}: {said.text}"))
    tab.on("pageerror", lambda error: wrong.append(f"{tab.url}: {error}"))
    tab.on(
        "request", lambda asked: asked.url.startswith("http") and wrong.append(f"{tab.url}: asks {asked.url}")
    )
    for path in shown(site):
        tab.goto(path.as_uri(), wait_until="load")
        if tab.locator("script[src*=mathjax]").count():
            tab.wait_for_function("() => window.MathJax && MathJax.startup && MathJax.startup.promise")
            tab.evaluate("() => MathJax.startup.promise")
            if tab.locator(".math").count():
                assert tab.locator("mjx-container").count() == tab.locator(".math").count(), path
            assert tab.locator("mjx-merror").count() == 0, path
        width = tab.evaluate("() => document.documentElement.scrollWidth")
        if width > PHONE:
            wide = tab.evaluate(
                f"""() => [...document.querySelectorAll('article *')]
                .filter(x => !x.closest('.table-wrapper, .scroll, pre'))
                .filter(x => x.getBoundingClientRect().right > {PHONE})
                .slice(0, 3).map(x => x.outerHTML.slice(0, 120))"""
            )
            wrong.append(f"{path.name} is {width} wide: {wide}")
    tab.close()
    assert not wrong, wrong[:10]


@pytest.fixture
def gallery(site, chromium):
    tab = chromium.new_page(viewport={"width": 1300, "height": 900})
    tab.goto((site / "gallery.html").as_uri(), wait_until="load")
    yield tab
    tab.close()


def figures(tab) -> list[tuple[str, set[str]]]:
    """Papers of the figures that are seen, with the kinds of their numbers that are."""
    return [
        (paper, set(kinds))
        for paper, kinds in tab.evaluate(
            """() => [...document.querySelectorAll('.numbers')].filter(x => x.offsetParent !== null)
            .map(x => [x.dataset.paper, [...x.querySelectorAll('tbody tr')]
                .filter(row => !row.hidden).map(row => row.dataset.kind)])"""
        )
    ]


def test_gallery_filters_by_paper_and_verdict(gallery):
    everything = figures(gallery)
    papers = [x for x in gallery.locator("[data-paper]").evaluate_all(
        "all => all.filter(x => x.tagName === 'BUTTON').map(x => x.dataset.paper)") if x]  # fmt: skip
    assert set(papers) == {paper for paper, _ in everything}
    assert len(papers) >= 2
    for paper in papers:
        gallery.click(f"button[data-paper='{paper}']")
        assert {name for name, _ in figures(gallery)} == {paper}
        assert len(figures(gallery)) == sum(name == paper for name, _ in everything)
        assert gallery.get_attribute(f"button[data-paper='{paper}']", "aria-pressed") == "true"
    gallery.click("button[data-paper='']")
    assert figures(gallery) == everything
    for kind in ("agrees", "differs", "nothing to compare", "not measured"):
        gallery.click(f"button[data-kind='{kind}']")
        seen = figures(gallery)
        assert len(seen) == sum(kind in kinds for _, kinds in everything)
        assert all(kinds == {kind} for _, kinds in seen)
        count = f"{len(seen)} figure{'s' * (len(seen) != 1)}, "
        assert gallery.inner_text("[role=status]").startswith(count)
    gallery.click("button[data-kind='']")
    assert figures(gallery) == everything


def test_gallery_is_worked_by_the_keyboard(gallery):
    gallery.focus("button[data-kind='differs']")
    gallery.keyboard.press("Enter")
    assert all(kinds == {"differs"} for _, kinds in figures(gallery))
    gallery.keyboard.press("Shift+Tab")
    gallery.keyboard.press("Space")  # the one before: agrees
    assert all(kinds == {"agrees"} for _, kinds in figures(gallery))


def test_a_choice_can_be_linked_to(gallery):
    everything = figures(gallery)
    paper = everything[0][0]
    gallery.click(f"button[data-paper='{paper}']")
    gallery.click("button[data-kind='agrees']")
    chosen = figures(gallery)
    assert 0 < len(chosen) < len(everything)
    assert gallery.url.endswith(f"?paper={paper}&kind=agrees")
    gallery.reload()
    assert figures(gallery) == chosen
    gallery.click("button[data-paper='']")
    gallery.click("button[data-kind='']")
    assert figures(gallery) == everything
    assert gallery.url.endswith("gallery.html")


def test_numbers_are_counted_without_their_notes(gallery):
    rows = gallery.locator(".numbers tbody tr:not(.note):visible").count()
    assert gallery.locator(".numbers tbody tr.note:visible").count() > 0
    assert gallery.locator("[role=status]").text_content().endswith(f" {rows} numbers")


def test_a_choice_that_leaves_nothing_says_so(gallery):
    gallery.evaluate(
        "() => document.querySelectorAll('.numbers tbody tr').forEach(x => x.dataset.kind = 'x')"
    )
    gallery.click("button[data-kind='agrees']")
    assert figures(gallery) == []
    assert "Choose another" in gallery.locator("[role=status]").text_content()
