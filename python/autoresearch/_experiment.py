"""A target, a hypothesis, a number and a budget."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from autoresearch import _native
from autoresearch._errors import AutoresearchError, SessionError
from autoresearch._interrupt import add_note
from autoresearch._propose import Proposing, ProposerFn
from autoresearch._session import Outcome, Row, Session
from autoresearch._trial import Measuring, MetricFn
from autoresearch.presets import Preset

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True)
class Hypothesis:
    """A sentence, alone or with the change that tests it: a `patch`, or the new
    text of a target in `change`."""

    sentence: str
    patch: str | None = None
    change: str | Mapping[str, str] | None = None


@dataclass(frozen=True)
class DryRun:
    """What a session would do, in sentences."""

    #: What it would do, in order.
    actions: list[str]
    #: What is worth knowing before it begins.
    notes: list[str]
    #: What it runs on, and what is adjusted for that.
    platform: dict[str, str]
    #: Edits that the platform calls for, and that `run.adjust` does not allow yet.
    offered_edits: list[str]

    def __str__(self) -> str:
        rows = [f"{name}: {text}" for name, text in self.platform.items()]
        notes = [f"note: {note}" for note in self.notes]
        edits = [f"offered: {edit}" for edit in self.offered_edits]
        return "\n".join([*self.actions, *rows, *notes, *edits])


class SystemExperiment:
    """An experiment on `target`, a file of the repository around `folder`.

    `hypothesis` is a sentence that a proposer turns into an edit, or comes with the
    edit: `patch` (as `git diff` prints it) or `change` (the new text of the target;
    by path where there are several). A list of sentences or of `Hypothesis` is
    several experiments.

    The number is what the run prints under the name `metric`, or what `metric_fn`
    makes of a finished `Trial`, or a `preset`. `budget` is seconds for one run, or
    text as `"5m"` or `"1000 steps"`; 300 unless the preset says otherwise. `proposer`
    is a callable, or one of those that the configuration knows, as `"search"`.

    Everything else that `autoresearch.toml` knows is set by its key:
    `set={"run.grace": "5s", "judge.mode": "greedy"}`.

    `on_event` is called with each event, as `autoresearch run --json` tells them.
    `verbose` prints a line an experiment to standard error; unless told, if that is
    a terminal.
    """

    def __init__(
        self,
        target: str | PathLike[str] | Sequence[str | PathLike[str]],
        hypothesis: str | Sequence[str | Hypothesis] | None = None,
        metric_fn: MetricFn | None = None,
        budget: float | str | timedelta | None = None,
        revert_on_failure: bool = True,
        *,
        folder: str | PathLike[str] = ".",
        command: str | Sequence[str] | None = None,
        metric: str | Preset | None = None,
        direction: Literal["minimize", "maximize"] | None = None,
        preset: str | Preset | None = None,
        patch: str | None = None,
        change: str | Mapping[str, str] | None = None,
        proposer: str | ProposerFn | None = None,
        iterations: int | None = None,
        stop_when: str | Sequence[str] = (),
        tag: str | None = None,
        metric_timeout: float | timedelta | None = None,
        set: Mapping[str, Any] | None = None,
        on_event: Callable[[dict[str, Any]], object] | None = None,
        verbose: bool | None = None,
    ) -> None:
        targets = [target] if isinstance(target, (str, PathLike)) else target
        self.target = [fspath(path) for path in targets]
        self.hypotheses = _hypotheses(hypothesis, patch, change)
        self.folder = folder
        self.on_event = on_event
        self.verbose = _is_terminal() if verbose is None else verbose
        self._measuring = Measuring(metric_fn, metric_timeout) if metric_fn is not None else None
        self._proposing = Proposing(proposer) if callable(proposer) else None
        self._revert_on_failure = revert_on_failure
        if isinstance(metric, Preset):
            if preset is not None:
                raise TypeError("give the ready-made metric once: as `preset`")
            preset, metric = metric, None
        if isinstance(preset, str):
            preset = Preset(preset, {"metric.preset": preset})
        self._settings: dict[str, Any] = dict(preset.settings) if preset else {}
        stop_when = [stop_when] if isinstance(stop_when, str) else list(stop_when)
        given = {
            "run.command": command,
            "metric.name": metric,
            "metric.direction": direction,
            "propose.proposer": proposer if isinstance(proposer, str) else None,
            "iterations": iterations,
            "stop.when": stop_when or None,
            "tag": tag,
            "budget": budget,
        }
        self._settings.update({key: value for key, value in given.items() if value is not None})
        self._settings.update(set or {})
        self._is_loop = iterations is not None or bool(stop_when)
        self._is_drawn = False
        #: Tag of the session that has begun.
        self._begun: str | None = None
        #: What has its branch and waits for its run.
        self._made: _native.Experiment | None = None
        self._running: _native.Experiment | None = None
        self._outcome: Outcome | None = None

    @property
    def hypothesis(self) -> str | None:
        """The first hypothesis, in words."""
        return self.hypotheses[0].sentence if self.hypotheses else None

    @property
    def session(self) -> Session | None:
        """Its session for reading, also while it runs; none before."""
        if self._outcome is not None:
            return self._outcome.session
        return Session(self._begun, self.folder) if self._begun else None

    @property
    def outcome(self) -> Outcome | None:
        """What came of the last run; none before, or when it was interrupted."""
        return self._outcome

    @property
    def results(self) -> list[Row]:
        """One row an experiment, the baseline first: `pandas.DataFrame(e.results)`."""
        session = self.session
        return session.results if session else []

    @property
    def trials(self) -> list[Row]:
        """One row a run, with every number that it reported."""
        session = self.session
        return session.trials if session else []

    @property
    def baseline(self) -> float | None:
        """Metric of the unmodified target, once it is known."""
        session = self.session
        return session.baseline if session else None

    @property
    def best(self) -> float | None:
        """The best metric so far, the baseline's included."""
        session = self.session
        return session.best if session else None

    @property
    def last_error(self) -> BaseException | None:
        """The last exception that the metric function or the proposer raised, with
        the experiment that it was raised for in its notes."""
        errors = [
            asked.last_error
            for asked in (self._measuring, self._proposing)
            if asked is not None and asked.last_error is not None
        ]
        return errors[0] if errors else None

    def run(self) -> Outcome:
        """The whole experiment: the baseline, then each hypothesis, or one proposal
        when there is none. With `iterations` or `stop_when`, a session of them.

        Ctrl-C ends the trial, records that, and raises `KeyboardInterrupt` then;
        a second one does not wait for the trial to clean up.
        """
        return self._run(
            self._to_run(), lambda native: native.run(self._tell, self._width(), self._is_loop)
        )

    def run_session(self) -> Outcome:
        """Experiments until a limit or a stop rule says so, or `stop` is called."""
        return self._run(
            self._to_run(), lambda native: native.run(self._tell, self._width(), True)
        )

    def resume(self, iterations: int | None = None) -> Outcome:
        """Goes on with the session of this tag, or the latest, with this value's
        metric function and proposer; `iterations` is how many it shall have in all.
        """
        earlier = {"tag": self._begun} if self._begun is not None else {}
        return self._run(
            self._build(earlier),
            lambda native: native.resume(self._tell, self._width(), iterations),
        )

    def stop(self, urgency: Literal["after_this", "now", "at_once"] = "now") -> None:
        """Asks the running session to end, from another thread."""
        if self._running is not None:
            self._running.stop(urgency)
        if urgency != "after_this" and self._measuring is not None:
            self._measuring.interrupt()

    def create_branch(self) -> str:
        """Makes the research branch and nothing else, and returns its name; `run`
        uses it then."""
        if self._made is None:
            self._made = self._build()
        return self._made.create_branch()

    def dry_run(self) -> DryRun:
        """What `run` would do; touches nothing."""
        told = json.loads(self._to_run().dry_run(self._is_loop))
        told["platform"] = dict(told["platform"])
        return DryRun(**told)

    def _run(
        self,
        native: _native.Experiment,
        how: Callable[[_native.Experiment], tuple[str, _native.Reader]],
    ) -> Outcome:
        if self._running is not None:
            raise SessionError("it runs already", "make another one for a second session")
        self._running = native
        self._made = self._outcome = None
        try:
            reason, reader = how(native)
        except BaseException as error:
            if self._begun and not isinstance(error, AutoresearchError):
                add_note(error, f"session {self._begun} is recorded; go on with `resume()`")
            raise
        finally:
            self._clear()
            self._running = None
        session = Session._of(reader)
        self._outcome = Outcome(reason, session, session.results)
        return self._outcome

    def _to_run(self) -> _native.Experiment:
        return self._made or self._build()

    def _build(self, also: Mapping[str, Any] | None = None) -> _native.Experiment:
        """What is to run, and is used up by its run."""
        native = _native.Experiment(self.folder, json.dumps(self.target))
        for key, value in {**self._settings, **(also or {})}.items():
            _set(native, key, value)
        for hypothesis in self.hypotheses:
            change = _change(hypothesis.change, self.target)
            native.hypothesis(hypothesis.sentence, hypothesis.patch, change)
        native.revert_on_failure(self._revert_on_failure)
        if self._measuring is not None:
            native.metric_fn(self._measuring)
        if self._proposing is not None:
            proposing = self._proposing
            native.proposer(proposing.name, proposing, proposing.wants_desk)
        return native

    def _width(self) -> int | None:
        is_live = self.verbose and _is_terminal()
        return shutil.get_terminal_size().columns - 1 if is_live else None

    def _tell(self, event: str | None, line: str | None, live: str | None) -> None:
        told = json.loads(event) if event is not None else None
        if told is not None and told["event"] == "begun":
            self._begun = told["tag"]
        if self.verbose:
            if line is not None:
                self._clear()
                self._say(f"{line}\n")
            if live is not None:
                self._say(f"\r\x1b[K{live}")
                self._is_drawn = True
        if told is not None and self.on_event is not None:
            try:
                self.on_event(told)
            except Exception:
                # It ends the session, and is not called again while that ends.
                self.on_event = None
                raise

    def _clear(self) -> None:
        if self._is_drawn:
            self._say("\r\x1b[K")
            self._is_drawn = False

    def _say(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):
            # Nobody reads any more, and the session goes on.
            self.verbose = False

    def __repr__(self) -> str:
        about = f"{type(self).__name__} on {', '.join(self.target)}"
        session = self.session
        if session is None:
            return f"<{about}: {self.hypothesis or 'no hypothesis'}>"
        return f"<{about}: {session!r}>"

    def _repr_html_(self) -> str | None:
        session = self.session
        return session._repr_html_() if session else None


def _is_terminal() -> bool:
    # Without a console there is no standard error at all.
    return sys.stderr is not None and sys.stderr.isatty()


class Options(TypedDict, total=False):
    """What `TrainingExperiment` hands on as it is."""

    folder: str | PathLike[str]
    preset: str | Preset | None
    patch: str | None
    change: str | Mapping[str, str] | None
    proposer: str | ProposerFn | None
    iterations: int | None
    stop_when: str | Sequence[str]
    tag: str | None
    metric_timeout: float | timedelta | None
    on_event: Callable[[dict[str, Any]], object] | None
    verbose: bool | None


class TrainingExperiment(SystemExperiment):
    """The training experiment: `train.py` under `python3`, with `prepare.py`
    read-only and `val_bpb`, lower is better. Everything can be set otherwise.
    """

    def __init__(
        self,
        hypothesis: str | Sequence[str | Hypothesis] | None = None,
        metric_fn: MetricFn | None = None,
        budget: float | str | timedelta | None = None,
        revert_on_failure: bool = True,
        *,
        target: str | PathLike[str] | Sequence[str | PathLike[str]] = "train.py",
        read_only: str | Sequence[str] = "prepare.py",
        command: str | Sequence[str] = ("python3", "train.py"),
        metric: str | Preset = "val_bpb",
        direction: Literal["minimize", "maximize"] = "minimize",
        set: Mapping[str, Any] | None = None,
        **others: Unpack[Options],
    ) -> None:
        super().__init__(
            target,
            hypothesis,
            metric_fn,
            budget,
            revert_on_failure,
            command=command,
            metric=metric,
            direction=direction,
            set={"read_only": read_only, **(set or {})},
            **others,
        )


def _hypotheses(
    given: str | Sequence[str | Hypothesis] | None,
    patch: str | None,
    change: str | Mapping[str, str] | None,
) -> list[Hypothesis]:
    if given is None and patch is None and change is None:
        return []
    if given is None or isinstance(given, str):
        return [Hypothesis(given or "the change that was handed over", patch, change)]
    if patch is not None or change is not None:
        raise TypeError("with several hypotheses, give each its own change: Hypothesis(...)")
    return [one if isinstance(one, Hypothesis) else Hypothesis(one) for one in given]


def _change(
    change: str | Mapping[str, str] | None, targets: Sequence[str]
) -> tuple[str, str] | None:
    if change is None:
        return None
    if isinstance(change, str):
        change = {targets[0]: change} if len(targets) == 1 else {}
    if len(change) != 1:
        raise ValueError("`change` is the new text of one target, by its path; else give `patch`")
    ((path, text),) = change.items()
    return path, text


def _set(native: _native.Experiment, key: str, value: Any) -> None:
    """Sets a key from a value of Python's, tables field by field."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            _set(native, f"{key}.{name}", part)
    else:
        native.set(key, _text(key, value))


def _text(key: str, value: Any) -> str:
    """A value as a flag would give it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f"{round(value.total_seconds() * 1000)}ms"
    if key == "budget" and isinstance(value, (int, float)):
        return f"{round(value * 1000)}ms"
    if isinstance(value, Sequence):
        words = [str(word) for word in value]
        return shlex.join(words) if key.endswith("command") else json.dumps(words)
    return str(value)
