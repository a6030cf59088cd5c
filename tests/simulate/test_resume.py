"""Killed anywhere, resumed, lengthened: always the run that was never stopped, bit for bit."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import xarray as xr
from runs import same

from deepglass import files, schema
from deepglass.cli import main
from deepglass.errors import Diverged, InUse, InvalidInput
from simulate import Protocol, inspection, resume, run
from simulate.cli import app
from simulate.data import load
from simulate.plan import chunks
from simulate.segments import MANIFEST, Folder, partial_of, progress_of, protocol_of
from simulate.signals import Stopped, checkpoint_before_stopping

TINY = Protocol(
    depth=3, width=4, patterns=20, steps=60, waiting_time=(10, 25), samples=3, replicas=2,
    replicas_per_chunk=4, checkpoint_every=20, frames_per_decade=1, matrix_times=(5, 30), threads=1,
)  # fmt: skip
LONGER = replace(TINY, width=8, patterns=100, steps=1500, waiting_time=(100, 300), checkpoint_every=25)


@pytest.fixture(scope="module")
def tiny() -> xr.Dataset:
    return run(TINY)


def test_with_a_file_or_in_memory_is_the_same(tiny, tmp_path):
    out = tmp_path / "run.nc"
    same(run(TINY, out=out), tiny)
    assert os.listdir(tmp_path) == ["run.nc"]
    same(schema.read(out, "run"), tiny)
    assert protocol_of(out) == TINY
    same(resume(out), tiny)  # nothing left to do


def test_the_cadence_of_checkpoints_and_looks_changes_nothing(tiny, monkeypatch):
    same(run(replace(TINY, checkpoint_every=7)), tiny)
    monkeypatch.setattr("simulate.chunk.LOOK", {"cpu": 1})
    same(run(replace(TINY, checkpoint_every=0)), tiny)


class Killed(BaseException):
    """The process ends here."""


def killed_at_write(number: int, renamed: bool):
    """A stand-in for the one function that writes files: the process ends at its ``number``-th call."""
    calls = iter(range(10**9))
    write_with = files.write_with

    def write(path, write, overwrite=False):
        now = next(calls)
        if now == number and not renamed:
            Path(path).parent.mkdir(exist_ok=True)
            Path(path).with_name(f".{Path(path).name}.tmp").write_bytes(b"half of")
            raise Killed
        done = write_with(path, write, overwrite)
        if now == number:
            raise Killed
        return done

    return write


def test_killed_at_every_single_write(tmp_path, monkeypatch):
    """Every instant between two changes of the folder, one by one, with half a file lying about."""
    protocol = replace(
        TINY, samples=2, waiting_time=25, checkpoint_every=40, matrix_times=(5,), precision="float64"
    )  # fmt: skip
    whole = run(protocol)
    for number in range(100):
        out = tmp_path / f"{number}.nc"
        with monkeypatch.context() as patched:
            patched.setattr(files, "write_with", killed_at_write(number, renamed=False))
            try:
                run(protocol, out=out)
                break
            except Killed:
                pass
        if (partial_of(out) / MANIFEST).exists():
            same(resume(out), whole)
        else:
            assert number == 0  # nothing was done yet
            same(run(protocol, out=out), whole)
        assert [p.name for p in tmp_path.iterdir()] == [out.name]
        out.unlink()
    assert number > 12


def test_a_folder_left_beside_its_finished_file_is_removed(tiny, tmp_path, monkeypatch):
    out = tmp_path / "run.nc"
    with monkeypatch.context() as patched:
        patched.setattr(Folder, "remove", lambda self: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            run(TINY, out=out)
    assert partial_of(out).exists()
    before = out.read_bytes()
    same(resume(out), tiny)
    assert out.read_bytes() == before
    assert os.listdir(tmp_path) == ["run.nc"]


def kill_again_and_again(protocol: Protocol, out: Path, times: int, seed: int, span: float) -> int:
    """Run in child processes that are sent SIGKILL after random times; how many died at work."""
    generator, killed = random.Random(seed), 0
    while killed < times:
        child = os.fork()
        if child == 0:  # no exception and no test machinery may outlive this branch
            try:
                begun = (partial_of(out) / MANIFEST).exists()
                resume(out) if begun else run(protocol, out=out, overwrite=True)
            finally:
                os._exit(0)
        time.sleep(generator.uniform(0.0, span))
        os.kill(child, signal.SIGKILL)
        if os.WIFSIGNALED(os.waitpid(child, 0)[1]):
            killed += 1
        elif out.exists():
            out.unlink()  # it was done before it was killed: once more
    return killed


@pytest.mark.parametrize(
    ("times", "seed"), [(3, 0), *(pytest.param(20, s, marks=pytest.mark.slow) for s in (1, 2))]
)
def test_killed_at_random_instants(tmp_path, times, seed):
    started = time.perf_counter()
    whole = run(LONGER, out=tmp_path / "whole.nc")
    out = tmp_path / "run.nc"
    kill_again_and_again(LONGER, out, times, seed, span=0.6 * (time.perf_counter() - started))
    same(resume(out) if partial_of(out).exists() else run(LONGER, out=out), whole)
    assert sorted(os.listdir(tmp_path)) == ["run.nc", "whole.nc"]


def test_stopped_as_a_user_would_see_it(tmp_path, capsys):
    """SIGTERM, which a queue sends at its time limit: one more checkpoint, one line, exit code 143."""
    out = tmp_path / "run.nc"
    words = ["--depth", 3, "--width", 8, "--patterns", 100, "--steps", 100_000, "--waiting-time", "100,300",
             "--samples", 3, "--replicas", 2, "--replicas-per-chunk", 4,
             "--checkpoint-every", 1000]  # fmt: skip
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "simulate", "run", *map(str, words), "--out", str(out)],
        cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(partial_of(out).glob("chunk-0002.state-*")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(InUse, match="in use by another process"):
        resume(out)
    process.send_signal(signal.SIGTERM)
    said = process.communicate()[1].strip().splitlines()[-1]
    assert process.returncode == 143
    step = int(re.search(r"stopped at step (\d+) by SIGTERM; python -m simulate resume .*run.nc", said)[1])
    folder = Folder.open(partial_of(out))
    part = chunks(protocol_of(out), folder.manifest["limit"])[2]
    assert folder.step(part) == step
    assert 0 < progress_of(out)[0] < progress_of(out)[1]
    assert main(app, ["inspect", str(out)]) == 0
    assert "unfinished" in capsys.readouterr().out
    assert main(app, ["validate", str(out), "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["valid"] is False
    assert len(found["problems"]) == 1  # it is sound, only not finished


def test_asked_to_stop_it_checkpoints_and_goes_on_later(tiny, tmp_path, monkeypatch):
    """A signal at every stop of the loop in turn: bit for bit the run that was not stopped."""
    out = tmp_path / "run.nc"
    stops = 0
    with checkpoint_before_stopping():
        while True:
            os.kill(os.getpid(), signal.SIGHUP)
            try:
                resume(out) if partial_of(out).exists() else run(replace(TINY, checkpoint_every=0), out=out)
                break
            except Stopped as stop:
                stops += stop.exit_code == 129
    same(schema.read(out, "run"), tiny)
    assert stops > 20


def test_longer_equals_one_long_run(tiny, tmp_path):
    out = tmp_path / "run.nc"
    run(TINY, out=out)
    longer = resume(out, more=40)
    # A long run that measures at the shorter one's ends too.
    whole = run(replace(TINY, steps=100, extra_times=(35, 50, 60)))
    same(longer, whole)
    assert inspection.problems(out) == []
    assert os.listdir(tmp_path) == ["run.nc"]


def test_twice_longer_lacks_only_what_became_special_later(tmp_path):
    """Single-machine values at ``steps - t_w`` of the new end: the shorter run had no reason to take them."""
    out = tmp_path / "run.nc"
    run(TINY, out=out)
    resume(out, more=40)
    longer = resume(out, more=20)
    whole = run(replace(TINY, steps=120, extra_times=(35, 50, 60, 75, 90, 100)))
    missing = longer.E.isnull().any(["t_w", "sample", "replica"])
    assert longer.t[missing].values.tolist() == [95]
    same(longer.where(longer.t != 95), whole.where(whole.t != 95))
    assert inspection.problems(out) == []


def test_a_longer_run_that_is_killed_keeps_the_shorter_one(tiny, tmp_path, monkeypatch):
    out = tmp_path / "run.nc"
    run(TINY, out=out)
    before = out.read_bytes()
    for number in (0, 5, 20, 30):
        with monkeypatch.context() as patched:
            patched.setattr(files, "write_with", killed_at_write(number, True))
            with pytest.raises(Killed):
                resume(out, more=40)
        assert out.read_bytes() == before
        if (partial_of(out) / MANIFEST).exists():
            with pytest.raises(InvalidInput, match="unfinished"):
                resume(out, more=1)
            assert "beside it lies an unfinished run" in inspection.describe(out)
            break
    same(resume(out), run(replace(TINY, steps=100, extra_times=(35, 50, 60))))


@pytest.fixture
def stopped(tmp_path, monkeypatch) -> Path:
    """A run that was killed in its last chunk, after several checkpoints."""
    out = tmp_path / "run.nc"
    with monkeypatch.context() as patched:
        patched.setattr(files, "write_with", killed_at_write(44, True))
        with pytest.raises(Killed):
            run(TINY, out=out)
    return out


def test_longer_into_times_that_the_shorter_run_did_not_reach(tmp_path):
    """Overlap matrices and frames of which the shorter run has none, or some."""
    out = tmp_path / "run.nc"
    protocol = replace(TINY, matrix_times=(45, 70), steps=40, waiting_time=10)
    run(protocol, out=out)
    longer = resume(out, more=40)
    whole = run(replace(protocol, steps=80, extra_times=(30, 40)))
    same(longer, whole)
    assert longer.Q_matrix_raw.sel(t_matrix=45).notnull().all()


def test_a_refusal_leaves_neither_lock_nor_folder(tiny, tmp_path, monkeypatch):
    out = tmp_path / "run.nc"
    run(TINY, out=out)
    with monkeypatch.context() as patched:  # the data are no longer what they were
        changed = replace(load("digits", patterns=20, seed=0, width=4, depth=3), sha256="0" * 64)
        patched.setattr(sys.modules["simulate.thermal.experiment"], "load", lambda *_, **__: changed)
        with pytest.raises(InvalidInput, match="have changed") as kept:
            resume(out, more=40)
    assert os.listdir(tmp_path) == ["run.nc"]
    resume(out, more=40)
    assert kept.value is not None  # its frames are still referenced


def test_a_refused_resume_gives_the_folder_back(stopped):
    for _ in range(2):
        with pytest.raises(InvalidInput, match="unfinished") as kept:
            resume(stopped, more=1)
        assert kept.value is not None
    resume(stopped)


@pytest.mark.parametrize("pattern", ["chunk-0002.frame-*", "split-25*"])
def test_a_damaged_configuration_is_done_again(tiny, stopped, pattern):
    victim = sorted(partial_of(stopped).glob(pattern))[0]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 4
    victim.write_bytes(content)
    same(resume(stopped), tiny)


def test_damaged_checkpoints_are_noticed_and_done_again(tiny, stopped):
    folder = partial_of(stopped)
    states = sorted(folder.glob("chunk-*.state-*"))
    states[-1].write_bytes(states[-1].read_bytes()[:-30])
    assert any("damaged" in line for line in inspection.problems(stopped))
    segment = sorted(folder.glob("chunk-0001.segment-*"))[0]
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    same(resume(stopped), tiny)


def test_another_version_or_changed_data_are_refused_and_nothing_is_lost(stopped, monkeypatch, capsys):
    folder = partial_of(stopped)
    manifest = json.loads((folder / MANIFEST).read_text())
    before = sorted(p.name for p in folder.iterdir())
    for change, message in (
        ({"format": 99}, "checkpoint format 99"),
        ({"data_sha256": "0" * 64}, "data of .* have changed"),
        ({"protocol": {**manifest["protocol"], "new": 1}}, "unknown parameter 'new'"),
        ({"protocol": None}, "protocol is missing or of the wrong kind"),
        ({"limit": "4"}, "limit is missing or of the wrong kind"),
        ({"about": []}, "about is missing or of the wrong kind"),
    ):
        (folder / MANIFEST).write_text(json.dumps({**manifest, **change}))
        with pytest.raises(InvalidInput, match=message):
            resume(stopped)
    (folder / MANIFEST).write_text("{")
    with pytest.raises(InvalidInput, match="not readable"):
        resume(stopped)
    assert main(app, ["resume", str(stopped)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert sorted(p.name for p in folder.iterdir()) == sorted({*before, "lock"})


def test_an_unfinished_run_is_not_overwritten_unless_asked(tiny, stopped, capsys):
    with pytest.raises(InvalidInput, match=r"unfinished run .*resume"):
        run(TINY, out=stopped)
    same(run(TINY, out=stopped, overwrite=True), tiny)
    with pytest.raises(InvalidInput, match="exists"):
        run(TINY, out=stopped)
    assert main(app, ["resume", "absent.nc"]) == 2
    assert "absent.nc" in capsys.readouterr().err


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from dataclasses import replace
from deepglass.errors import WriteFailed
from simulate import Protocol, resume
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    resume(sys.argv[1])
except WriteFailed as error:
    print(error)
"""


def test_a_full_disk_is_one_clear_error_and_the_run_goes_on_later(tiny, stopped):
    before = {p.name for p in partial_of(stopped).iterdir()}
    root = Path(__file__).resolve().parents[2]
    result = subprocess.run(
        [sys.executable, "-c", FULL, str(stopped), "6000"],
        capture_output=True, text=True, cwd=root, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "cannot be written: File too large; make room, then: python -m simulate resume" in result.stdout
    assert {p.name for p in partial_of(stopped).iterdir()} >= before
    same(resume(stopped), tiny)


def test_a_place_that_cannot_be_written_is_refused_before_work(tmp_path, monkeypatch):
    monkeypatch.setattr("simulate.chunk.ChunkRun.run", lambda self: pytest.fail("work was begun"))
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "run.nc", Path("/proc/run.nc"), tmp_path):
        with pytest.raises(InvalidInput, match="output"):
            run(TINY, out=out)


def test_what_is_not_ours_is_not_touched(tmp_path):
    folder = tmp_path / "run.nc.partial"
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(InvalidInput, match=r"holds thesis\.txt"):
            run(TINY, out=tmp_path / "run.nc", overwrite=overwrite)
    assert (folder / "thesis.txt").read_text() == "precious"


@pytest.mark.parametrize("more", [-5, 2.5, "5"])
def test_steps_to_add_are_whole_and_not_negative(tmp_path, more):
    with pytest.raises(InvalidInput, match="steps = "):
        resume(tmp_path / "run.nc", more=more)


def test_divergence_keeps_the_last_good_checkpoint(tmp_path, caplog):
    wild = replace(
        TINY, schedule="quench", initial_temperature=0.0, temperature=1e12, schedule_steps=46,
        checkpoint_every=5,
    )  # fmt: skip
    out = tmp_path / "run.nc"
    with pytest.raises(Diverged, match=r"step .*sample"):
        run(wild, out=out)
    assert "last good checkpoint is that of step 45" in caplog.text
    assert not out.exists()
    assert "chunk" not in " ".join(inspection.problems(out))  # what is kept is sound
    with pytest.raises(Diverged):
        resume(out)


def test_what_a_resumed_run_says_of_itself(stopped):
    manifest = json.loads((partial_of(stopped) / MANIFEST).read_text())
    manifest["about"]["device_name"] = "another machine"
    (partial_of(stopped) / MANIFEST).write_text(json.dumps(manifest))
    assert "resumed with" in resume(stopped).attrs["warnings"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_killed_and_resumed_on_cuda_is_the_run_that_was_not(tmp_path, monkeypatch):
    """Bit for bit on the same device, at every write, and made longer."""
    protocol = replace(TINY, device="cuda")
    whole = run(protocol)
    for number in (10, 20, 30, 40):
        out = tmp_path / f"{number}.nc"
        with monkeypatch.context() as patched:
            patched.setattr(files, "write_with", killed_at_write(number, renamed=True))
            with pytest.raises(Killed):
                run(protocol, out=out)
        same(resume(out), whole)
    same(resume(out, more=40), run(replace(protocol, steps=100, extra_times=(35, 50, 60))))
