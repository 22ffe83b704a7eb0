"""Places to experiment in: a repository of its own for each test, and an
environment that nothing of the user's reaches into."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autoresearch import SystemExperiment

#: Far longer than anything here takes on a busy machine.
PATIENCE = 120.0


@pytest.fixture(autouse=True)
def hermetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(("XDG_", "AUTORESEARCH_", "GIT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("author", "committer"):
        monkeypatch.setenv(f"GIT_{name.upper()}_NAME", "A Researcher")
        monkeypatch.setenv(f"GIT_{name.upper()}_EMAIL", "researcher@example.org")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose `train.sh` prints a loss of 5."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "train.sh").write_text(script(5))
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "start")
    return folder


def script(loss: float) -> str:
    return f'echo loss: {loss}\necho {loss} > "$AUTORESEARCH_OUT/artefact"\n'


@pytest.fixture
def experiment(repository: Path) -> Callable[..., SystemExperiment]:
    """An experiment on the repository's `train.sh`."""

    def made(*words: Any, **options: Any) -> SystemExperiment:
        set_ = {"run.grace": "1s", **options.pop("set", {})}
        defaults: dict[str, Any] = {
            "folder": repository,
            "command": ["sh", "train.sh"],
            "direction": "minimize",
            "tag": "t",
            "budget": 60,
        }
        if "metric_fn" not in options:
            defaults["metric"] = "loss"
        return SystemExperiment("train.sh", *words, **{**defaults, **options}, set=set_)

    return made


def until(fact: Callable[[], object], what: str) -> None:
    """Waits for a fact."""
    begun = time.monotonic()
    while not fact():
        assert time.monotonic() - begun < PATIENCE, f"waited in vain: {what}"
        time.sleep(0.02)


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts programs in Python; those that are left at the end are ended."""
    children = []

    def start(code: str, *words: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", code, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # What runs in the background, as a nightly job, may ignore interrupts, and
            # Python leaves it at that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def processes_with(word: str) -> list[int]:
    """Processes that have this word among their arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if word.encode() in words:
            found.append(int(folder.name))
    return found
