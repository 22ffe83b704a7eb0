"""Proposers that are Python callables (SPEC K)."""

from __future__ import annotations

import threading
from collections.abc import Callable

from conftest import script, until

from autoresearch import Brief, Desk, Proposal, SystemExperiment

Make = Callable[..., SystemExperiment]


def test_a_callable_proposes_five_experiments(experiment: Make) -> None:
    briefs: list[Brief] = []

    def smaller(brief: Brief) -> Proposal:
        briefs.append(brief)
        return Proposal(f"a loss of {5 - brief.number / 10}", text=script(5 - brief.number / 10))

    outcome = experiment(proposer=smaller, iterations=5).run()
    assert [row["number"] for row in outcome.results] == list(range(6))
    assert outcome.best == 4.5
    assert {row["proposer"] for row in outcome.results[1:]} == {"smaller"}
    last = briefs[-1]
    assert (last.metric, last.direction, last.baseline) == ("loss", "minimize", 5.0)
    assert last.best == 4.6
    assert list(last.targets) == ["train.sh"] and "4.6" in last.target
    assert "train.sh" in last.page
    assert last.history[-1]["number"] == 4


def test_a_text_a_patch_and_an_edited_desk_are_proposals_too(experiment: Make) -> None:
    def text(brief: Brief) -> str:
        return script(4)

    def patch(brief: Brief) -> str:
        return "--- a/train.sh\n+++ b/train.sh\n@@ -1,2 +1,1 @@\n-echo loss: 5\n-" + (
            'echo 5 > "$AUTORESEARCH_OUT/artefact"\n+echo loss: 3\n'
        )

    def desk(brief: Brief, desk: Desk) -> Proposal:
        (desk.folder / "train.sh").write_text(script(2))
        return Proposal("on the desk", category="training")

    for name, proposer, loss in (("a", text, 4.0), ("b", patch, 3.0), ("c", desk, 2.0)):
        outcome = experiment(
            proposer=proposer, iterations=1, tag=name, set={"results": f"{name}.tsv"}
        ).run()
        assert outcome.best == loss, name
    assert outcome.results[1]["category"] == "training"


def test_a_queued_sentence_is_what_the_brief_asks_for(experiment: Make) -> None:
    asked: list[str | None] = []

    def answer(brief: Brief) -> str:
        asked.append(brief.hypothesis)
        return script(3)

    outcome = experiment("try a smaller one", proposer=answer).run()
    assert asked == ["try a smaller one"]
    assert outcome.results[1]["hypothesis"] == "try a smaller one"


def test_a_proposer_that_returns_nothing_has_nothing_left(experiment: Make) -> None:
    outcome = experiment(proposer=lambda brief: None, iterations=5).run()
    assert outcome.reason.startswith("nothing is left to try")


def test_what_a_proposer_raises_is_told_with_its_place(experiment: Make) -> None:
    def broken(brief: Brief) -> str:
        raise LookupError("no idea")

    made = experiment(proposer=broken, iterations=2, set={"propose.patience": 1})
    outcome = made.run()
    assert "LookupError: no idea (at test_proposer.py:" in outcome.reason
    assert isinstance(made.last_error, LookupError)
    assert made.last_error.__notes__ == ["in the proposer, for experiment #1"]


def test_a_proposer_that_never_answers_is_left_behind_at_a_stop(experiment: Make) -> None:
    entered = threading.Event()
    release = threading.Event()

    def never(brief: Brief) -> str:
        entered.set()
        release.wait()
        return script(3)

    made = experiment(proposer=never, iterations=1)
    thread = threading.Thread(target=made.run)
    thread.start()
    until(entered.is_set, "the proposer")
    made.stop()
    thread.join(60)
    assert not thread.is_alive()
    release.set()
    assert made.outcome is not None and made.outcome.reason == "it was asked to stop"


def test_what_a_proposer_does_once_it_was_given_up_is_no_answer(experiment: Make) -> None:
    asked: list[int] = []
    given_up = threading.Event()

    def slow(brief: Brief, desk: Desk) -> Proposal:
        asked.append(brief.number)
        if len(asked) > 1:
            (desk.folder / "train.sh").write_text(script(3))
            return Proposal("in time")
        while not given_up.is_set():
            try:
                given_up.wait(0.05)
            except BaseException:
                # It does not end when it is told to.
                threading.Timer(1, given_up.set).start()
        (desk.folder / "train.sh").write_text(script(1))
        return Proposal("too late")

    outcome = experiment(
        proposer=slow, iterations=1, set={"propose.timeout": "1s", "propose.patience": 9}
    ).run()
    assert (outcome.results[1]["hypothesis"], outcome.best) == ("in time", 3.0)
