"""The tutorials: stored without what they print, and executed from the first cell to the last, in small."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
SMALL = {
    "1_predict_a_profile": "DEPTH, ALPHAS = 6, [3, 30, 300]",
    "2_train_and_look_at_layers": "STEPS, WAITING_TIME, SAMPLES, PATTERNS = 120, 40, 2, 40",
    "3_judge_a_theory": (
        "WIDTHS, SWEEPS, SAMPLES = (10, 20), 20, 4\n"
        'DEEP = {"width": 16, "degree": 4, "patterns": 16, "steps": 20, "samples": 3}'
    ),
}
"""What takes the place of the parameters."""
PICTURES = {"1_predict_a_profile": 1, "2_train_and_look_at_layers": 5, "3_judge_a_theory": 1}
SAID = {
    "1_predict_a_profile": ("pencil: 2.4674", "crossing: [16.4487]"),
    "2_train_and_look_at_layers": ("layer 9: q* = ", "test accuracy"),
    "3_judge_a_theory": ("Hebb's rule: R = 0.7484", "overall: ", "2 samples: "),
}


def read(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def test_there_are_no_others():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_nothing_is_stored_that_was_printed(name):
    notebook = read(name)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert [cell.metadata.get("tags") for cell in code].count(["parameters"]) == 1


@pytest.mark.parametrize("name", SMALL)
def test_runs_from_first_to_last(name, tmp_path):
    notebook = read(name)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    parameters = next(cell for cell in code if cell.metadata.get("tags") == ["parameters"])
    parameters.source += f"\n{SMALL[name]}"
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()  # raises CellExecutionError
    outputs = [output for cell in code for output in cell.outputs]
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == PICTURES[name]
    printed = "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")
    for words in SAID[name]:
        assert words in printed
