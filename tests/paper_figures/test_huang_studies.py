"""The studies behind the figures of the thermal machine: valid runs, and the same ones at every size."""

import pytest

from paper_figures.huang2025.readings import MOST
from paper_figures.huang2025.studies import studies_at
from paper_figures.stored.study import SIZES


@pytest.mark.parametrize("size", SIZES)
def test_every_study_is_a_valid_set_of_runs(size):
    """Protocols check themselves; parts cover the samples once; matrices need all machines in one run."""
    for study in studies_at(size).values():
        for label, protocol in study.ensembles.items():
            parts = study.parts(label)
            samples = [s for p in parts for s in range(p.first_sample, p.first_sample + p.samples)]
            assert samples == list(range(protocol.samples))
            assert protocol.patterns <= (2000 if study.name == "images" else MOST[size])
            if protocol.matrix_times:
                assert len(parts) == 1
                assert protocol.matrix_times[0] == protocol.steps - protocol.waiting_times[0]
            if size == "paper" and study.name in ("widths", "patterns"):
                assert (protocol.steps, protocol.waiting_times) == (550_000, (50_000,))


def test_sizes_have_the_same_ensembles():
    """But for the readings, and for what only laptops need: at paper size it is in the others."""
    smoke, laptop, paper = (studies_at(size) for size in SIZES)
    for name in set(laptop) - {"readings-scan", "readings-finals", "late"}:
        assert set(smoke[name].ensembles) == set(laptop[name].ensembles)
        assert name == "images" or set(laptop[name].ensembles) <= set(paper[name].ensembles)
    assert set(smoke["late"].ensembles) <= set(laptop["late"].ensembles)
    assert not paper["late"].ensembles
