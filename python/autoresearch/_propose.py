"""A proposer that is a callable."""

from __future__ import annotations

import inspect
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from autoresearch._interrupt import Interrupted, add_note, in_one_line, interrupt

#: What sort of change it is.
Category = Literal["architecture", "optimizer", "training", "other"]


@dataclass(frozen=True)
class Brief:
    """All that a proposer may know."""

    #: Number that the experiment will have.
    number: int
    #: Name of the metric.
    metric: str
    #: Which way is better: `minimize` or `maximize`.
    direction: str
    #: The targets at the best commit so far, by path: what may be changed.
    targets: dict[str, str]
    #: README and read-only files, by path.
    context: dict[str, str]
    #: The metric of the unmodified target.
    baseline: float | None
    #: The best so far: what the change starts from.
    best: float | None
    #: The sentence to turn into an edit, when one is queued.
    hypothesis: str | None
    #: Why the last proposal was refused, if it was.
    complaint: str | None
    #: Earlier experiments, oldest first: those kept, then the recent ones.
    history: list[dict[str, Any]]
    #: Everything as a page for a person or a model.
    page: str
    #: Everything as it is told to programs.
    data: dict[str, Any] = field(repr=False)

    @property
    def target(self) -> str:
        """The text of the only target."""
        (text,) = self.targets.values()
        return text

    @classmethod
    def _of(cls, told: str, page: str) -> Brief:
        data: dict[str, Any] = json.loads(told)

        def texts(name: str) -> dict[str, str]:
            return {file["path"]: file["text"] for file in data[name]}

        def metric(name: str) -> float | None:
            return data[name]["metric"] if data[name] else None

        return cls(
            number=data["number"],
            metric=data["metric"],
            direction=data["direction"],
            targets=texts("targets"),
            context=texts("context"),
            baseline=metric("baseline"),
            best=metric("incumbent"),
            hypothesis=data["hypothesis"],
            complaint=data["complaint"],
            history=data["history"],
            page=page,
            data=data,
        )


@dataclass(frozen=True)
class Desk:
    """Where a proposer works: a folder with the best commit checked out."""

    folder: Path


@dataclass(frozen=True)
class Proposal:
    """A hypothesis and its edit: the new `text` of the only target, new `files` by
    path (none deletes), a `patch`, or, with none of these, what the desk was
    changed to.
    """

    hypothesis: str
    text: str | None = None
    patch: str | None = None
    files: Mapping[str, str | None] | None = None
    category: Category | None = None
    expected: str | None = None


#: The new text of the only target or a patch, a `Proposal`, or nothing when there
#: is nothing left to propose.
Answer = str | Proposal | None

#: Proposes; the desk is made for whoever takes two arguments.
ProposerFn = Callable[[Brief], Answer] | Callable[[Brief, Desk], Answer]


#: Seconds that a proposer gets to end once it was given up.
GRACE = 5.0


class Proposing:
    """Asks a callable, each time on a thread of its own."""

    def __init__(self, proposer: ProposerFn) -> None:
        self._proposer: Callable[..., Answer] = proposer
        self.wants_desk = _arguments(proposer) >= 2
        self.name = getattr(proposer, "__name__", type(proposer).__name__)
        #: The last exception that it raised.
        self.last_error: BaseException | None = None
        #: A question that was given up, whose answer may still be on its way.
        self._abandoned: Asked | None = None

    def free(self) -> None:
        """Raises while it still works on a question that was given up: what it does
        then would look like the answer to the next."""
        if self._abandoned is None:
            return
        self._abandoned.join(GRACE)
        if self._abandoned.is_alive():
            raise RuntimeError("the proposer still works on a question that took too long")
        self._abandoned = None

    def __call__(self, told: str, page: str, folder: Path | None) -> Asked:
        brief = Brief._of(told, page)
        arguments = [brief] if folder is None else [brief, Desk(Path(folder))]
        asked = Asked(self, brief, lambda: self._proposer(*arguments))
        asked.start()
        return asked


class Asked(threading.Thread):
    """One question, while it is thought about."""

    def __init__(self, by: Proposing, brief: Brief, think: Callable[[], Answer]) -> None:
        super().__init__(name=f"autoresearch proposer #{brief.number}", daemon=True)
        self._by = by
        self._brief = brief
        self._think = think
        self._done = threading.Event()
        self._answer: dict[str, Any] = {"failed": "interrupted"}

    def run(self) -> None:
        try:
            self._answer = answer_of(self._think(), self._brief, self._by.wants_desk)
        except Interrupted:
            pass
        except BaseException as error:
            add_note(error, f"in the proposer, for experiment #{self._brief.number}")
            self._by.last_error = error
            self._answer = {"failed": in_one_line(error)}
        finally:
            self._done.set()

    def wait(self, seconds: float) -> bool:
        """Whether it has answered within this time."""
        return self._done.wait(seconds)

    def answer(self) -> str:
        """The answer as JSON."""
        return json.dumps(self._answer)

    def abandon(self) -> None:
        """Tells it to end, and does not wait for that."""
        if self.ident is not None and self.is_alive():
            self._by._abandoned = self
            interrupt(self.ident)


def answer_of(answer: Answer, brief: Brief, has_desk: bool) -> dict[str, Any]:
    """What the engine is told."""
    if answer is None:
        return {"exhausted": "the proposer returned nothing"}
    if isinstance(answer, str):
        is_patch = answer.startswith(("diff --git ", "--- "))
        answer = Proposal("", patch=answer) if is_patch else Proposal("", text=answer)
    if not isinstance(answer, Proposal):
        raise TypeError(
            f"a proposer returns a text, a Proposal or None, and not {type(answer).__name__}"
        )
    return {
        "proposal": {
            "hypothesis": answer.hypothesis or None,
            "category": answer.category,
            "expected": answer.expected,
            "edit": _edit(answer, brief, has_desk),
        }
    }


def _edit(proposal: Proposal, brief: Brief, has_desk: bool) -> Any:
    if proposal.patch is not None:
        return {"patch": proposal.patch}
    if proposal.files is not None:
        return {"files": dict(proposal.files)}
    if proposal.text is not None:
        if len(brief.targets) != 1:
            raise ValueError("there are several targets; give `files` by path")
        (path,) = brief.targets
        return {"files": {path: proposal.text}}
    if has_desk:
        return "desk"
    raise ValueError("the proposal changes nothing; give `text`, `files` or `patch`")


def _arguments(function: Callable[..., Any]) -> int:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p for p in parameters if p.kind in positional and p.default is p.empty]
    return len(required)
