"""The program `autoresearch` out of the wheel, and how it comes to itself again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import git, script

import autoresearch
from autoresearch import Session, _native, presets

PROGRAM = Path(sys.executable).with_name("autoresearch")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *words], cwd=folder, capture_output=True, text=True)


def test_the_program_is_beside_the_interpreter(tmp_path: Path) -> None:
    done = run(tmp_path, "--version")
    assert (done.returncode, done.stdout) == (0, f"autoresearch {autoresearch.__version__}\n")
    assert run(tmp_path, "--no-such-flag").returncode == 2
    assert run(tmp_path, "status").returncode != 0


def test_the_program_runs_a_session(repository: Path) -> None:
    (repository / "train.py").write_text("RATE = 0.5\nprint('loss:', (RATE - 0.1) ** 2)\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "train")
    done = run(
        repository,
        "run",
        "--yes",
        "--tag",
        "t",
        "--target",
        "train.py",
        "--metric",
        "loss",
        "--minimize",
        "--budget",
        "60s",
        "--iterations",
        "2",
        "--command",
        "python3 train.py",
    )
    assert done.returncode == 0, done.stderr
    assert len(Session("t", repository).results) == 3


def test_a_client_is_told_of_the_script_and_not_of_the_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    done = run(tmp_path, "mcp", "install", "claude", "--print")
    assert done.returncode == 0, done.stderr
    assert str(PROGRAM) in done.stdout


def test_supervisors_never_run_the_program_that_imports_us(
    repository: Path, tmp_path: Path
) -> None:
    # Without `if __name__ == "__main__"`: were it run again, it would be so for ever.
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nfrom autoresearch import SystemExperiment\n"
        f"open({str(tmp_path / 'times')!r}, 'a').write('once\\n')\n"
        f"SystemExperiment('train.sh', 'x', folder={str(repository)!r}, command='sh train.sh',"
        f" metric='loss', direction='minimize', change={script(3)!r}).run()\n"
    )
    subprocess.run([sys.executable, program], check=True)
    assert (tmp_path / "times").read_text() == "once\n"


def test_modules_beside_the_program_have_no_say_in_the_supervisor(
    repository: Path, tmp_path: Path
) -> None:
    for name in ("os.py", "importlib.py", "sitecustomize.py", "autoresearch.py"):
        (repository / name).write_text("raise SystemExit('not this one')\n")
    code = (
        "import sys; sys.path.pop(0)\nfrom autoresearch import SystemExperiment\n"
        "made = SystemExperiment('train.sh', 'x', command='sh train.sh', metric='loss',"
        f" direction='minimize', change={script(3)!r})\nassert made.run().verdict == 'keep'\n"
    )
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONSTARTUP": "os.py"}
    subprocess.run([sys.executable, "-c", code], cwd=repository, check=True, env=environment)


def test_an_interpreter_that_cannot_be_started_again_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(RuntimeError, match="run it with `python`"):
        _native.Experiment(".", "train.sh")


def test_every_preset_is_a_function(repository: Path) -> None:
    assert "pylint" in presets.available()
    for name in presets.available():
        made = getattr(presets, name.replace("-", "_"))(metric="number", command=["a", "b c"])
        assert made.settings["metric.preset"] == name
        assert made.settings["metric.name"] == "number"
    assert "score" in (presets.pylint.__doc__ or "")
    assert "pylint" in dir(presets)
    with pytest.raises(AttributeError, match="there are .*pylint"):
        presets.nonesuch()


def test_a_preset_says_what_is_run(repository: Path) -> None:
    made = autoresearch.SystemExperiment("train.sh", folder=repository, preset=presets.pylint())
    assert "pylint --recursive=y ." in str(made.dry_run())

    # What it comes with, unless it is told otherwise.
    made = autoresearch.SystemExperiment("train.sh", folder=repository, preset=presets.ruff())
    assert "once per experiment, 2m each" in str(made.dry_run())
    made = autoresearch.SystemExperiment("train.sh", folder=repository, preset="ruff", budget=90)
    assert "once per experiment, 1m 30s each" in str(made.dry_run())
    with pytest.raises(TypeError, match="give the ready-made metric once"):
        autoresearch.SystemExperiment("train.sh", metric=presets.pylint(), preset="ruff")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_types_hold() -> None:
    sample = Path(__file__).with_name("sample.py")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, str(sample)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    wrong = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--cache-dir",
            os.devnull,
            "-c",
            "from autoresearch import SystemExperiment\nSystemExperiment(3)\n",
        ],
        capture_output=True,
        text=True,
    )
    assert wrong.returncode == 1 and "arg-type" in wrong.stdout


def test_the_stubs_are_the_modules(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "autoresearch._native"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
