"""A finished trial, and the metric that a callable makes of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, SupportsFloat

from autoresearch._interrupt import Interrupted, add_note, forget, in_one_line, interrupt


@dataclass(frozen=True)
class Trial:
    """One execution of the run command that ended well, as a metric function sees
    it. Its files are there while the function runs; later, `log` and `out` are.
    """

    #: Number of the experiment; 0 is the baseline.
    number: int
    #: Which of its runs it is, from 1.
    run: int
    #: What `AUTORESEARCH_SEED` was.
    seed: int
    #: The status that it ended with; none where it was ended at its budget.
    exit_code: int | None
    #: The working directory, as it was left.
    folder: Path
    #: What it printed, both streams.
    log: Path
    #: The folder that `AUTORESEARCH_OUT` named to it.
    out: Path
    #: How long it took, in seconds.
    seconds: float
    #: CPU seconds of all its processes.
    cpu_seconds: float
    #: The most memory that it used at one time, in bytes.
    peak_memory: int
    #: Other numbers that it reported by name; those that constraints ask for.
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def output(self) -> str:
        """What it printed, both streams; of a very long output both ends."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @classmethod
    def _of(cls, text: str) -> Trial:
        told: dict[str, Any] = json.loads(text)
        trial = told["trial"]
        usage = trial["usage"]
        exit_ = trial["exit"]
        return cls(
            number=told["number"],
            run=told["run"],
            seed=trial["seed"],
            exit_code=exit_.get("code") if isinstance(exit_, dict) else None,
            folder=Path(told["folder"]),
            log=Path(told["log"]),
            out=Path(told["out"]),
            seconds=usage["wall_seconds"],
            cpu_seconds=usage["cpu_seconds"],
            peak_memory=usage["peak_memory"],
            metrics=trial.get("secondary", {}),
        )


#: Computes the metric of a finished trial, in this process.
MetricFn = Callable[[Trial], SupportsFloat]


class MetricFailed(Exception):
    """Why there is no metric; the crash's reason."""


class Measuring:
    """Calls a metric function, and makes one number or one reason of it."""

    def __init__(self, metric_fn: MetricFn, timeout: float | timedelta | None) -> None:
        if isinstance(timeout, timedelta):
            timeout = timeout.total_seconds()
        if timeout is not None and not timeout > 0:
            raise ValueError("`metric_timeout` is seconds above 0, or None for no limit")
        self._metric_fn = metric_fn
        self._timeout = timeout
        self._lock = threading.Lock()
        self._thread: int | None = None
        #: The last exception that it raised.
        self.last_error: Exception | None = None

    def __call__(self, text: str) -> float:
        trial = Trial._of(text)
        try:
            return number(self._within_time(trial))
        except Interrupted:
            # It may have come as late as in the midst of putting this back.
            self._thread = None
            raise MetricFailed(
                f"it took longer than {self._timeout:g} s" if self._timeout else "interrupted"
            ) from None
        except MetricFailed:
            raise
        except Exception as error:
            add_note(
                error, f"in the metric function, for run {trial.run} of experiment #{trial.number}"
            )
            self.last_error = error
            raise MetricFailed(in_one_line(error)) from error

    def interrupt(self) -> None:
        """Ends the function if it runs; from any thread."""
        with self._lock:
            if self._thread is not None:
                interrupt(self._thread)

    def _within_time(self, trial: Trial) -> SupportsFloat:
        thread = threading.get_ident()
        timer = threading.Timer(self._timeout, self.interrupt) if self._timeout else None
        self._thread = thread
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            return self._metric_fn(trial)
        finally:
            with self._lock:
                self._thread = None
                forget(thread)
            if timer is not None:
                timer.cancel()


def number(value: object) -> float:
    """What a metric function returned as a float; NaN is for the engine to refuse."""
    if isinstance(value, SupportsFloat) and not isinstance(value, (str, bytes)):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise MetricFailed(f"it returned {type(value).__name__}: {error}") from error
    forgot = "; is a `return` missing?" if value is None else ""
    shown = "None" if value is None else f"{type(value).__name__} {_short(value)}"
    raise MetricFailed(f"it returned {shown}, and not a number{forgot}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
