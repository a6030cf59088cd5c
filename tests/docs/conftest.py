"""A site to look at: the one DEEPGLASS_SITE names, as `make docs-test` does, else a small one built here."""

import os
import shutil
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS / "site"))

PAGE = """# A page

A formula, $q_l = \\\\langle S^a S^b\\\\rangle$, and one on a line of its own:

$$ \\\\sum_{l=1}^{L} E_l = H $$

| a | wide | table |
| --- | --- | --- |
| `ONE_VERY_LONG_WORD_THAT_CANNOT_BE_BROKEN_ANYWHERE` | `AND_ANOTHER_OF_THE_SAME_KIND` | [all](gallery.md) |

    a line of code that is much longer than a phone is wide, by far, and then goes on a little further still

## Traps

* **One.** It is deep. And more.
* Two: it is shallow, and nobody would think so who has not been in it before; then there is more to say.

```{eval-rst}
.. modules:: theory.potentials
```
"""
INDEX = "# Small\n\n![a picture](one.png)\n\n```{toctree}\npage\ngallery\ntraps\n```\n"


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The folder of a built site."""
    if given := os.environ.get("DEEPGLASS_SITE"):
        return Path(given).resolve()
    return small_site(tmp_path_factory.mktemp("site"))


def small_site(folder: Path) -> Path:
    """Four pages by the real configuration; figures are of two papers, their numbers made up."""
    pytest.importorskip("sphinx", reason="the site needs the extra docs: make docs")
    pytest.importorskip("myst_parser", reason="the site needs the extra docs: make docs")
    pytest.importorskip("furo", reason="the site needs the extra docs: make docs")
    import figures
    import gallery
    import traps
    from PIL import Image
    from sphinx.application import Sphinx

    source = folder / "source"
    source.mkdir()
    (source / "page.md").write_text(PAGE.replace("\\\\", "\\"))
    (source / "index.md").write_text(INDEX)
    Image.new("RGB", (800, 500), "white").save(source / "one.png")
    (source / "gallery.md").write_text((DOCS / "gallery.md").read_text())
    (source / "traps.md").write_text(f"# Traps\n\n{traps.MARK}\n")
    kinds = {
        "huang2025": ("agrees", "differs", "not run at this size"),
        "zou_huang2021": ("passes", "reported"),
    }
    drawn = {
        paper: [
            figures.Drawn(
                name, module, tuple(figures.Row(f"{v} {name}", "1.0(1)", "2", v, "why") for v in verdicts)
            )
            for name, module in {
                "huang2025": [("fig2", "huang2025.figure_2"), ("nulls", "huang2025.figure_nulls")],
                "zou_huang2021": [("interior", "zou_huang2021.interior")],
            }[paper]
        ]
        for paper, verdicts in kinds.items()
    }
    papers = dict.fromkeys(kinds)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(figures, "FIGURES", folder / "figures")
        patched.setattr(gallery, "PICTURES", folder / "pictures")
        patched.setattr(gallery, "gathered", lambda paper, tell: drawn[paper])
        patched.setattr(figures, "PAPERS", {name: plain(figures.PAPERS[name]) for name in papers})
        patched.setattr(gallery, "PAPERS", figures.PAPERS)
        for paper, found in drawn.items():
            (folder / "figures" / paper).mkdir(parents=True)
            for each in found:
                Image.new("RGB", (1800, 900), "#0072B2").save(folder / "figures" / paper / f"{each.name}.png")
        out = folder / "html"
        app = Sphinx(source, DOCS, out, folder / "trees", "html", status=None, exception_on_warning=True)
        app.build()
    assert app.statuscode == 0
    return out


def plain(paper):
    """Without links to pages that the small site lacks."""
    from dataclasses import replace

    return replace(paper, lead="A paper.")


@pytest.fixture(scope="session")
def chromium():
    """A headless browser that loads nothing from outside."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the browser test needs the extra docs")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no chromium here (Debian: apt-get install chromium)")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=flags, headless=True)
        yield browser
        browser.close()
