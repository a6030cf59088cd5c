"""Prediction beside measurement: alignment, effective alpha, picture, command line."""

import json

import numpy as np
import pytest
import xarray as xr

from compare import effective_alpha, figure
from compare.cli import app
from compare.overlay import overlay
from deepglass import schema
from deepglass.cli import main
from deepglass.errors import InvalidInput
from simulate import Protocol, run
from theory import capacity, solve_hierarchy, solve_profile

DEPTH = 4
PROTOCOL = Protocol(depth=DEPTH, width=5, patterns=50, steps=80, waiting_time=30, samples=3, replicas=3)


@pytest.fixture(scope="module")
def profile() -> xr.Dataset:
    return solve_profile("random", DEPTH, 10.0).to_dataset()


@pytest.fixture(scope="module")
def measured() -> xr.Dataset:
    return run(PROTOCOL)


@pytest.fixture
def files(profile, measured, tmp_path):
    return (
        schema.write(profile, tmp_path / "profile.nc", "profile"),
        schema.write(measured, tmp_path / "run.nc", "run"),
    )


def with_overlaps(measured: xr.Dataset, q: np.ndarray) -> xr.Dataset:
    return measured.assign(q_star=("neuron_layer", q))


@pytest.mark.parametrize(
    ("scenario", "alpha"),
    [("random", 7.0), ("random", 300.0), ("random", 2.6), ("random", 9.2e5), ("teacher-student", 4.5)],
)
def test_alpha_eff_of_a_predicted_profile_is_its_alpha(scenario, alpha):
    found = effective_alpha.fit(solve_profile(scenario, DEPTH, alpha).q, scenario)
    assert found.alpha == pytest.approx(alpha, rel=1e-3)
    assert found.rms < 1e-4
    assert found.bound == ""


def test_alpha_eff_minimises_the_distance():
    q = solve_profile("random", DEPTH, 30.0).q + np.array([0, 0.1, -0.05, 0.02, 0])
    found = effective_alpha.fit(q, "random")

    def rms(alpha):
        return np.sqrt(np.mean((solve_profile("random", DEPTH, alpha).q - q)[1:-1] ** 2))

    assert found.rms == pytest.approx(rms(found.alpha), rel=1e-9)
    assert all(rms(found.alpha * factor) > found.rms for factor in (0.2, 0.8, 0.98, 1.02, 1.25, 5))


def test_alpha_eff_is_a_bound_for_a_liquid_and_beyond_the_branch():
    liquid = effective_alpha.fit([1, 0, 0, 0, 1], "random")
    assert liquid.bound == "upper"
    assert 2.4674 / 10 ** (1 / 8) < liquid.alpha <= 2.4674
    assert liquid.rms == 0
    assert str(liquid).startswith("<= ")
    solid = effective_alpha.fit([1, 0.99, 0.99, 0.99, 1], "random")
    assert solid.bound == "lower"
    assert solid.alpha == pytest.approx(1e6)
    # Depth 2 ends at its capacity, 48.96.
    full = effective_alpha.fit([1, 1, 1], "random")
    assert full.bound == "lower"
    assert full.alpha == pytest.approx(capacity(2), rel=1e-8)
    # The teacher-student crystal begins at its spinodal.
    crystal = effective_alpha.fit(
        solve_profile("teacher-student", 3, 11.8, branch="crystal").q, "teacher-student", branch="crystal"
    )
    assert crystal.bound == ""
    for depth, branch, alpha in ((3, "crystal", 11.56), (3, "continuous", 27.0), (2, "continuous", 9.95)):
        q = solve_profile("teacher-student", depth, alpha, branch=branch).q
        near = effective_alpha.fit(q, "teacher-student", branch=branch)
        assert near.alpha == pytest.approx(alpha, rel=1e-3)
        assert near.bound == ""
    assert crystal.alpha == pytest.approx(11.8, rel=1e-3)
    less = effective_alpha.fit([1, 0.5, 0.5, 1], "teacher-student", branch="crystal")
    assert less.bound == "upper"
    assert less.alpha == pytest.approx(11.539797, rel=1e-6)


def test_overlay_aligns_layer_by_layer(profile, measured):
    q = np.array([1, 0.8, 0.2, 0.5, 1])
    result = overlay(profile, with_overlaps(measured, q))
    columns = result.columns()
    assert columns["layer"] == [1, 2, 3]
    np.testing.assert_array_equal(columns["measured"], q[1:-1])
    np.testing.assert_array_equal(columns["predicted"], profile.q.values[1:-1])
    np.testing.assert_array_equal(columns["error"], measured.q_star_error.values[0, 1:-1])
    assert columns["measured_phase"] == ["solid", "liquid", "solid"]
    assert columns["predicted_phase"] == ["liquid"] * 3
    assert result.measured.n_liquid == 1
    assert result.alpha_run == 10
    assert result.alpha_theory == 10
    assert not any("alpha differs" in w for w in result.warnings)


def test_different_alphas_are_pointed_out(measured):
    result = overlay(solve_profile("random", DEPTH, 11.0).to_dataset(), measured)
    assert "alpha differs: theory 11, run 10" in result.warnings


def test_what_cannot_be_compared_is_refused(profile, measured):
    with pytest.raises(InvalidInput, match="depth 3 and run of depth 4"):
        overlay(solve_profile("random", 3, 10.0).to_dataset(), measured)
    with pytest.raises(InvalidInput, match="replicas >= 2"):
        overlay(profile, measured.isel(pair=[]))
    shallow = Protocol(depth=1, width=5, patterns=50, steps=4, waiting_time=2)
    with pytest.raises(InvalidInput, match="no hidden layer"):
        overlay(solve_profile("random", 1, 1.0).to_dataset(), run(shallow))


def test_one_sample_has_no_error_bar_in_table_or_picture(profile, measured):
    one = measured.isel(sample=[0]).assign(q_star_error=measured.q_star_error * np.nan)
    result = overlay(profile, one)
    assert "one sample: no error bar can be given" in result.warnings
    assert np.isnan(result.columns()["error"]).all()
    (legend,) = figure.draw(result).legends
    assert any("no error bar" in t.get_text() for t in legend.get_texts())


def test_picture_shows_the_numbers(profile, measured):
    result = overlay(profile, measured)
    drawn = figure.draw(result)
    axis = drawn.axes[0]
    lines = {tuple(line.get_ydata()) for line in axis.lines if len(line.get_ydata()) == DEPTH + 1}
    assert tuple(profile.q.values) in lines
    assert tuple(measured.q_star.values[0]) in lines
    (bars,) = axis.containers
    segments = bars.lines[2][0].get_segments()
    np.testing.assert_allclose(
        [(s[1, 1] - s[0, 1]) / 2 for s in segments], measured.q_star_error.values[0, 1:-1]
    )
    caption = drawn.get_supxlabel().replace("\n", " ")
    for word in ("alpha = 10", "M = 50", "T = 1e-05", "seed 0", "t_w = 30", "3 samples x 3 replicas"):
        assert word in caption


def test_command_prints_the_table_and_writes_the_figure(command, files, tmp_path, capsys):
    result = command("compare", "overlay", *files, "--out", "o.png", "--format", "json")
    assert result.returncode == 0, result.stderr
    table = json.loads(result.stdout)
    assert table["layer"] == [1, 2, 3]
    assert {"predicted", "measured", "error", "predicted_phase", "measured_phase"} <= set(table)
    assert {"alpha_theory", "alpha_run", "alpha_eff", "warnings", "xi_s", "n_liquid"} <= set(table)
    assert (tmp_path / "o.png").read_bytes().startswith(b"\x89PNG")
    assert main(app, ["overlay", *map(str, files), "--out", str(tmp_path / "o.png")]) == 2
    assert "exists" in capsys.readouterr().err
    target = str(tmp_path / "o.pdf")
    assert main(app, ["overlay", *map(str, files), "--out", target]) == 0
    assert "measured_phase" in capsys.readouterr().out
    assert (tmp_path / "o.pdf").read_bytes().startswith(b"%PDF")


def test_command_refuses_bad_files_in_one_line(files, tmp_path, capsys):
    profile, measured = files
    cut = tmp_path / "cut.nc"
    cut.write_bytes(measured.read_bytes()[:2000])
    other = schema.write(solve_profile("random", 3, 10.0).to_dataset(), tmp_path / "three.nc", "profile")
    cases = [
        ((profile, cut), "o.png", "cut.nc"),
        ((measured, profile), "o.png", "not a profile"),
        ((profile, tmp_path / "none.nc"), "o.png", "none.nc"),
        ((other, measured), "o.png", "depth"),
        (files, "o.xyz", "must end in"),
    ]
    for arguments, out, word in cases:
        assert main(app, ["overlay", *map(str, arguments), "--out", str(tmp_path / out)]) == 2
        printed = capsys.readouterr()
        assert word in printed.err
        assert len(printed.err.strip().splitlines()) == 1
        assert printed.out == ""
    assert not list(tmp_path.glob("o.*"))


def test_a_broken_profile_is_overlaid_with_its_innermost_overlaps_and_says_so(measured):
    broken = solve_hierarchy("random", DEPTH, 5.0, 1)
    result = overlay(broken.to_dataset(), with_overlaps(measured, solve_profile("random", DEPTH, 5.0).q))
    assert "1 steps of replica symmetry breaking" in result.captions[0]
    assert list(result.layers["predicted"].values) == list(broken.q[:, -1])
