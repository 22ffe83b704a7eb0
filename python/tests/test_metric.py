"""A metric that Python computes from a finished trial (SPEC A3, A11)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy
import pytest
from conftest import script, until

from autoresearch import Hypothesis, SystemExperiment, Trial

Make = Callable[..., SystemExperiment]


def test_a_callable_computes_the_metric_from_what_the_trial_left(experiment: Make) -> None:
    seen: list[Trial] = []

    def loss(trial: Trial) -> float:
        seen.append(trial)
        assert trial.output.startswith("loss: ")
        assert (trial.folder / "train.sh").read_text().startswith("echo loss")
        return float((trial.out / "artefact").read_text())

    outcome = experiment("smaller", metric_fn=loss, change=script(3)).run()
    assert (outcome.baseline, outcome.best, outcome.gain) == (5.0, 3.0, 2.0)
    assert outcome.verdict == "keep"
    first, last = seen[0], seen[-1]
    assert (first.number, first.run, first.exit_code) == (0, 1, 0)
    assert last.number == 1
    assert last.seconds > 0 and last.peak_memory > 0
    # Artefacts stay; the worktree is the next trial's.
    assert last.out.joinpath("artefact").read_text() == "3\n"


@pytest.mark.parametrize("value", [3, 3.0, numpy.float32(3), numpy.array(3.0), Decimal(3), True])
def test_whatever_is_a_number_may_be_returned(experiment: Make, value: object) -> None:
    metric_fn = lambda trial: value if trial.number else 9  # noqa: E731
    outcome = experiment("anything", metric_fn=metric_fn, change=script(3)).run()
    assert outcome.results[1]["metric"] == float(value)  # type: ignore[arg-type]


def boom(trial: Trial) -> float:
    raise ValueError("the scale is broken")


@pytest.mark.parametrize(
    ("returned", "kind", "reason"),
    [
        ("0.3", "no_metric", "it returned str '0.3', and not a number"),
        (None, "no_metric", "it returned None, and not a number; is a `return` missing?"),
        ([1, 2], "no_metric", "it returned list [1, 2], and not a number"),
        (10**400, "no_metric", "it returned int: int too large"),
        (float("nan"), "not_finite", "the metric function returned NaN"),
        (float("inf"), "not_finite", "the metric function returned inf"),
    ],
)
def test_what_is_no_number_is_a_crash_of_that_experiment_alone(
    experiment: Make, returned: object, kind: str, reason: str
) -> None:
    metric_fn = lambda trial: returned if trial.number == 1 else 5 - trial.number  # noqa: E731
    changes = [("one", 4), ("two", 3)]
    hypotheses = [Hypothesis(words, change=script(loss)) for words, loss in changes]
    outcome = experiment(hypotheses, metric_fn=metric_fn).run()
    assert [row["verdict"] for row in outcome.results] == ["keep", "crash", "keep"]
    assert outcome.results[1]["crash"] == kind
    assert reason in outcome.results[1]["reason"]


def test_an_exception_is_a_crash_and_tells_where_and_for_which_experiment(
    experiment: Make,
) -> None:
    made = experiment(
        "anything",
        metric_fn=lambda trial: boom(trial) if trial.number else 5.0,
        change=script(3),
    )
    outcome = made.run()
    assert outcome.verdict == "crash"
    reason = outcome.results[1]["reason"]
    assert reason.startswith("the metric function failed: ValueError: the scale is broken (at ")
    assert "test_metric.py:" in reason and "in boom" in reason
    error = made.last_error
    assert isinstance(error, ValueError)
    assert error.__notes__ == ["in the metric function, for run 1 of experiment #1"]
    assert error.__traceback__ is not None


def test_a_baseline_without_a_number_ends_the_session_with_its_reason(experiment: Make) -> None:
    outcome = experiment("anything", metric_fn=boom, change=script(3)).run()
    assert "the baseline failed" in outcome.reason and "the scale is broken" in outcome.reason
    assert outcome.baseline is None and outcome.verdict is None


def test_a_metric_function_that_takes_too_long_is_ended_at_its_timeout(experiment: Make) -> None:
    def forever(trial: Trial) -> float:
        while trial.number:
            pass
        return 5.0

    outcome = experiment("anything", metric_fn=forever, change=script(3), metric_timeout=0.2).run()
    assert outcome.verdict == "crash"
    assert outcome.results[1]["reason"] == "the metric function failed: it took longer than 0.2 s"


def test_a_stop_from_another_thread_ends_a_metric_function_and_records_it(
    experiment: Make, repository: Path
) -> None:
    entered = threading.Event()

    def forever(trial: Trial) -> float:
        while trial.number:
            entered.set()
        return 5.0

    made = experiment("anything", metric_fn=forever, change=script(3))
    thread = threading.Thread(target=made.run)
    thread.start()
    until(entered.is_set, "the metric function")
    made.stop()
    thread.join(60)
    assert not thread.is_alive()
    assert made.outcome is not None
    assert made.outcome.reason == "it was asked to stop"
    # The candidate is not to blame: its trial is as if it had not been.
    assert [row["number"] for row in made.results] == [0]


def test_a_timeout_is_above_zero(experiment: Make) -> None:
    for timeout in (0, -1.0, float("nan"), timedelta(0)):
        with pytest.raises(ValueError, match="above 0"):
            experiment(metric_fn=float, metric_timeout=timeout)
