"""Ctrl-C and worse, with real signals to a real process (SPEC F2, L5)."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import PATIENCE, git, processes_with, until

from autoresearch import Session

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/cmdline").exists(), reason="processes are looked for in /proc"
)

Start = Callable[..., subprocess.Popen[str]]

RUN = """
import sys, time
from autoresearch import SystemExperiment
folder, said = sys.argv[1:3]
def metric(trial):
    if trial.number and {waits}:
        open(said, "w").close()
        while True:
            time.sleep(60)
    return 5.0
made = SystemExperiment("train.sh", "smaller", {metric}, folder=folder, tag="t",
    command="sh train.sh", metric="loss", direction="minimize", change={change!r},
    set={{"run.grace": "1h"}})
try:
    made.run()
except KeyboardInterrupt as error:
    print("interrupted", made.results[-1]["number"], *error.__notes__)
    raise
"""


def program(change: str, in_metric: bool = False) -> str:
    metric = "metric" if in_metric else "None"
    return RUN.format(waits=in_metric, metric=metric, change=change)


def test_an_interrupt_during_a_trial_ends_it_and_records_that(
    repository: Path, started: Start, tmp_path: Path
) -> None:
    child = started(program("echo loss: 3; sleep 98761.5\n"), str(repository), str(tmp_path / "x"))
    until(lambda: processes_with("98761.5"), "the trial")
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=PATIENCE)
    assert out == "interrupted 0 session t is recorded; go on with `resume()`\n", err
    assert "KeyboardInterrupt" in err
    assert not processes_with("98761.5")
    session = Session("t", repository)
    assert session.status()["stopped"] == "it was asked to stop"
    assert not session.status()["is_running"]


def test_a_second_interrupt_does_not_wait_for_the_trial(
    repository: Path, started: Start, tmp_path: Path
) -> None:
    deaf = f"trap 'touch {tmp_path}/asked' TERM\nwhile :; do sleep 98762.5 & wait; done\n"
    code = program(deaf).replace('"run.grace"', '"run.protection": "unprotected", "run.grace"')
    child = started(code, str(repository), str(tmp_path / "x"))
    until(lambda: processes_with("98762.5"), "the trial")
    child.send_signal(signal.SIGINT)
    until((tmp_path / "asked").exists, "the trial is asked to end")
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=PATIENCE)
    assert not processes_with("98762.5")
    assert Session("t", repository).status()["stopped"] == "it was asked to stop"


def test_an_interrupt_of_a_metric_function_that_takes_for_ever_ends_the_session(
    repository: Path, started: Start, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    child = started(program("echo loss: 3\n", in_metric=True), str(repository), str(said))
    until(said.exists, "the metric function")
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=PATIENCE)
    assert out.startswith("interrupted 0 "), err
    assert "KeyboardInterrupt" in err
    assert Session("t", repository).status()["stopped"] == "it was asked to stop"


def test_a_killed_interpreter_leaves_no_process(
    repository: Path, started: Start, tmp_path: Path
) -> None:
    child = started(program("(sleep 98763.5 &)\nsleep 98763.5\n"), str(repository), str(tmp_path))
    until(lambda: len(processes_with("98763.5")) == 2, "the trial and its daemon")
    os.kill(child.pid, signal.SIGKILL)
    child.communicate(timeout=PATIENCE)
    until(lambda: not processes_with("98763.5"), "nobody is left")
    assert git(repository, "status", "--porcelain") == ""
