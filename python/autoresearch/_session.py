"""A session for reading: its rows, its plot, its reports."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from os import PathLike
from typing import Any

from autoresearch import _native

#: A line of a table: column and value. A list of them is a DataFrame in one call.
Row = dict[str, Any]

#: Rows that a notebook shows of a long session.
SHOWN = 20


class Session:
    """A session of the repository around `folder`, running or not: the one of this
    `tag`, or the latest.

    Everything is read anew each time it is asked for.
    """

    def __init__(self, tag: str | None = None, folder: str | PathLike[str] = ".") -> None:
        self._open(_native.Reader(folder, tag))

    def _open(self, reader: _native.Reader) -> None:
        self._reader = reader
        head = json.loads(reader.head())
        #: Its tag, as `mar8`.
        self.tag: str = head["tag"]
        #: Its branch, at the best commit so far.
        self.branch: str = head["branch"]
        #: Name of the metric.
        self.metric: str = head["metric"]
        #: Which way is better: `minimize` or `maximize`.
        self.direction: str = head["direction"]
        #: The files under experiment.
        self.targets: list[str] = head["targets"]
        #: Where its journal, logs and reports lie.
        self.folder: str = head["folder"]

    @classmethod
    def _of(cls, reader: _native.Reader) -> Session:
        session = cls.__new__(cls)
        session._open(reader)
        return session

    @property
    def results(self) -> list[Row]:
        """One row an experiment, the baseline first: number, verdict, metric and
        its gain (positive when better), hypothesis, commit, time, memory, and each
        number that its runs reported beside the metric, as a mean; one that has the
        name of a column is `reported.NAME`.
        """
        return [_result(told) for told in self._told()]

    @property
    def trials(self) -> list[Row]:
        """One row a run of an experiment, with every number that it reported."""
        return [row for told in self._told() for row in _trials(told["experiment"])]

    @property
    def baseline(self) -> float | None:
        """Metric of the unmodified target; none while it runs or when it failed."""
        return self._mark("baseline")

    @property
    def best(self) -> float | None:
        """Metric of the best experiment, the baseline included."""
        return self._mark("best")

    @property
    def gain(self) -> float | None:
        """How much better the best is than the baseline, in the metric's unit."""
        baseline, best = self.baseline, self.best
        if baseline is None or best is None:
            return None
        return baseline - best if self.direction == "minimize" else best - baseline

    def _mark(self, name: str) -> float | None:
        mark = self.status()[name]
        return mark["metric"] if mark else None

    def _told(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = json.loads(self._reader.experiments())
        return told

    def status(self) -> dict[str, Any]:
        """Whether an engine runs it, why it rests, how many of each verdict."""
        status: dict[str, Any] = json.loads(self._reader.status())
        return status

    def experiment(self, number: int) -> dict[str, Any]:
        """An experiment with everything known of it, as the journal has it."""
        for told in self._told():
            if told["experiment"]["number"] == number:
                found: dict[str, Any] = told["experiment"]
                return found
        raise KeyError(number)

    def diff(self, number: int, other: int | None = None) -> str:
        """The change of an experiment, against what it changed or against another."""
        return self._reader.diff(number, other)

    def brief(self) -> str:
        """What the next proposer would be told, as a page."""
        return self._reader.brief()

    def summary(self) -> str:
        """The summary, in Markdown."""
        return self._reader.summary()

    def plot(self) -> str:
        """The plot, as SVG."""
        return self._reader.plot()

    def __repr__(self) -> str:
        tally = self.status()["tally"]
        counts = ", ".join(f"{count} {verdict}" for verdict, count in tally.items())
        marks = f"{_shown(self.baseline)} -> {_shown(self.best)}"
        return f"<Session {self.tag}: {self.metric} {marks}; {counts}>"

    def _repr_html_(self) -> str:
        rows = self.results
        columns = ["number", "verdict", "metric", "gain", "hypothesis"]
        head = "".join(
            f"<th>{html.escape(self.metric if column == 'metric' else column)}</th>"
            for column in columns
        )
        left = 'style="text-align: left"'
        body = "".join(
            "<tr>"
            + "".join(f"<td {left}>{html.escape(_shown(row[column]))}</td>" for column in columns)
            + "</tr>"
            for row in rows[-SHOWN:]
        )
        more = f"<p>the last {SHOWN} of {len(rows)}</p>" if len(rows) > SHOWN else ""
        return (
            f"{self.plot()}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
        )


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    #: Why it rests, in words.
    reason: str
    #: The session, for reading.
    session: Session
    #: Rows of all experiments, as `Session.results`.
    results: list[Row] = field(repr=False)

    @property
    def trials(self) -> list[Row]:
        """As `Session.trials`."""
        return self.session.trials

    @property
    def verdict(self) -> str | None:
        """What became of the last experiment: `keep`, `discard` or `crash`."""
        return self.results[-1]["verdict"] if len(self.results) > 1 else None

    @property
    def baseline(self) -> float | None:
        """Metric of the unmodified target; none when it failed."""
        return self.session.baseline

    @property
    def best(self) -> float | None:
        """Metric of the best experiment, the baseline included."""
        return self.session.best

    @property
    def gain(self) -> float | None:
        """How much better the best is than the baseline, in the metric's unit."""
        return self.session.gain

    def __repr__(self) -> str:
        marks = f"{_shown(self.baseline)} -> {_shown(self.best)}"
        return f"<Outcome {self.verdict}: {self.session.metric} {marks}; {self.reason}>"

    def _repr_html_(self) -> str:
        return self.session._repr_html_()


def read_results(path: str | PathLike[str]) -> list[Row]:
    """The rows of a `results.tsv` in any form that is known, also of other tools:
    number, commit, verdict, metric, memory in GiB, description."""
    table = json.loads(_native.read_results(path))
    return [
        {
            "number": number,
            "commit": row["commit"],
            "verdict": row["verdict"],
            "metric": row["metric"],
            "memory_gb": row["memory_gb"],
            "description": row["description"],
        }
        for number, row in enumerate(table["rows"])
    ]


def _result(told: dict[str, Any]) -> Row:
    experiment = told["experiment"]
    ruling = experiment.get("ruling") or {}
    crash = ruling.get("crash") or {}
    trials = experiment["trials"]
    settled = experiment.get("settled_at")
    row: Row = {
        "number": experiment["number"],
        "verdict": told["verdict"],
        "metric": told["metric"],
        "gain": ruling.get("gain"),
        "hypothesis": experiment["hypothesis"],
        "reason": crash.get("reason") or ruling.get("reason"),
        "crash": crash.get("kind"),
        "category": experiment["category"],
        "proposer": experiment["proposer"],
        "commit": experiment.get("commit"),
        "runs": len(trials),
        "seconds": sum(trial["usage"]["wall_seconds"] for trial in trials),
        "peak_memory": told["peak_memory"],
        "code_lines": experiment["code_lines"],
        "settled_at": settled and datetime.fromtimestamp(settled / 1000, timezone.utc),
    }
    names = {name for numbers in told["evidence"] for name in numbers}
    for name in sorted(names):
        values = [numbers[name] for numbers in told["evidence"] if name in numbers]
        row[_column(name, row)] = sum(values) / len(values)
    return row


def _trials(experiment: dict[str, Any]) -> list[Row]:
    first = [(at, "candidate", trial) for at, trial in enumerate(experiment["trials"], start=1)]
    again = [
        (rerun["number"], rerun["purpose"], rerun["trial"])
        for rerun in experiment.get("reruns", [])
    ]
    return [_trial(experiment["number"], *each) for each in first + again]


def _trial(number: int, run: int, purpose: str, trial: dict[str, Any]) -> Row:
    usage = trial["usage"]
    crash = trial.get("crash") or {}
    exit_ = trial["exit"]
    if isinstance(exit_, dict):
        ((how, what),) = exit_.items()
        exit_ = f"{how} {what}"
    row: Row = {
        "number": number,
        "run": run,
        "purpose": purpose,
        "seed": trial["seed"],
        "metric": trial.get("metric"),
        "exit": exit_,
        "crash": crash.get("kind"),
        "reason": crash.get("reason"),
        "seconds": usage["wall_seconds"],
        "cpu_seconds": usage["cpu_seconds"],
        "peak_memory": usage["peak_memory"],
        "protection": trial.get("protection"),
    }
    for name, value in trial.get("secondary", {}).items():
        row[_column(name, row)] = value
    return row


def _column(reported: str, row: Row) -> str:
    """Where a reported number goes that may be called like something of ours."""
    return f"reported.{reported}" if reported in row else reported


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
