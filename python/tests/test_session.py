"""An experiment from Python, with real git and real processes (SPEC A1 to A11)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest
from conftest import git, script

from autoresearch import (
    AutoresearchError,
    ConfigError,
    GitError,
    Hypothesis,
    LedgerError,
    Session,
    SessionError,
    SystemExperiment,
    TrainingExperiment,
    read_results,
)

Make = Callable[..., SystemExperiment]


def refs(folder: Path) -> str:
    return git(folder, "for-each-ref")


def test_a_better_change_is_kept_on_a_branch_of_its_own(experiment: Make, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    made = experiment("a smaller loss", change=script(3))
    assert (made.hypothesis, made.baseline, made.results) == ("a smaller loss", None, [])
    outcome = made.run()
    assert (outcome.baseline, outcome.best, outcome.gain) == (5.0, 3.0, 2.0)
    assert (made.baseline, made.best) == (5.0, 3.0)
    assert git(repository, "show", "autoresearch/t:train.sh") == script(3).strip()
    assert git(repository, "rev-parse", "HEAD") == head
    assert git(repository, "status", "--porcelain") == ""
    assert outcome.session.diff(1).count("\n+echo") == 2


def test_results_and_trials_become_data_frames_in_one_call(
    experiment: Make, repository: Path
) -> None:
    (repository / "train.sh").write_text("echo loss: 5\necho tokens: 70\n")
    git(repository, "commit", "--quiet", "--all", "--message", "two numbers")
    made = experiment(
        "a smaller loss",
        change="echo loss: 3\necho tokens: 80\n",
        set={"judge.constraints": "tokens >= 1"},
    )
    made.run()
    results = pandas.DataFrame(made.results)
    assert list(results["number"]) == [0, 1]
    assert list(results["metric"]) == [5.0, 3.0]
    assert list(results["tokens"]) == [70.0, 80.0]
    trials = pandas.DataFrame(made.trials)
    assert set(trials["exit"]) == {"code 0"}
    assert trials["tokens"].iloc[-1] == 80.0
    assert (trials["seconds"] > 0).all()


def test_a_number_that_is_called_like_a_column_is_not_lost(
    experiment: Make, repository: Path
) -> None:
    (repository / "train.sh").write_text("echo loss: 5\necho seconds: 700\n")
    git(repository, "commit", "--quiet", "--all", "--message", "its own seconds")
    made = experiment(
        "a smaller loss",
        change="echo loss: 3\necho seconds: 800\n",
        set={"judge.constraints": "seconds >= 1"},
    )
    made.run()
    assert [row["reported.seconds"] for row in made.results] == [700.0, 800.0]
    assert all(0 < row["seconds"] < 700 for row in made.results)
    assert made.trials[-1]["reported.seconds"] == 800.0


@pytest.mark.parametrize(("revert", "expected"), [(True, 5), (False, 9)])
def test_a_worse_change_is_reverted_unless_told_otherwise(
    experiment: Make, repository: Path, revert: bool, expected: int
) -> None:
    outcome = experiment("larger", change=script(9), revert_on_failure=revert).run()
    assert outcome.verdict == "discard"
    assert git(repository, "show", "autoresearch/t:train.sh") == script(expected).strip()


def test_a_dry_run_says_what_it_would_do_and_touches_nothing(
    experiment: Make, repository: Path
) -> None:
    def state() -> tuple[Any, ...]:
        files = sorted(str(path) for path in repository.rglob("*"))
        exclude = repository / ".git" / "info" / "exclude"
        return (
            refs(repository),
            git(repository, "status", "--porcelain"),
            files,
            exclude.read_text(),
        )

    before = state()
    dry = experiment("a smaller loss", change=script(3)).dry_run()
    assert state() == before
    assert any("autoresearch/t" in action for action in dry.actions)
    assert "Platform" in dry.platform
    assert "create the branch" in str(dry)


def test_a_dry_run_says_as_many_experiments_as_the_run_makes(experiment: Make) -> None:
    for words, options, limit in (
        (["one"], {"change": script(3)}, "stop after 1 experiment"),
        ([["one", "two"]], {}, "stop after 2 experiments"),
        (["one"], {"iterations": 7}, "stop after 7 experiments"),
        (["one"], {"stop_when": "no keep in 3"}, "stop after no keep in 3"),
    ):
        assert limit in experiment(*words, **options).dry_run().actions, limit


def test_what_came_before_it_does_not_change_a_run(experiment: Make) -> None:
    made = experiment("a smaller loss", change=script(3))
    made.dry_run()
    made.stop()
    assert made.create_branch() == "autoresearch/t"
    made.dry_run()
    made.stop()
    assert made.run().verdict == "keep"
    with pytest.raises(SessionError, match="a session `t` exists already"):
        made.dry_run()
    assert made.resume(2).session.tag == "t"


def test_a_run_within_a_run_is_refused(experiment: Make) -> None:
    refused: list[str] = []

    def again(event: dict[str, Any]) -> None:
        if event["event"] == "settled" and not refused:
            with pytest.raises(SessionError, match="it runs already") as caught:
                made.run()
            refused.append(str(caught.value))

    made = experiment("a smaller loss", change=script(3), on_event=again)
    assert made.run().verdict == "keep"
    assert refused


def test_a_terminal_that_is_gone_ends_nothing(
    experiment: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            raise BrokenPipeError

    made = experiment("a smaller loss", change=script(3), verbose=True)
    monkeypatch.setattr("sys.stderr", Gone())
    assert made.run().verdict == "keep"


def test_what_on_event_raises_ends_the_session_and_is_raised(experiment: Make) -> None:
    calls: list[str] = []

    def fail(event: dict[str, Any]) -> None:
        calls.append(event["event"])
        if event["event"] == "settled":
            raise ZeroDivisionError

    made = experiment("a smaller loss", change=script(3), on_event=fail)
    with pytest.raises(ZeroDivisionError):
        made.run()
    assert calls[-1] == "settled" and calls.count("settled") == 1
    assert made.session is not None and not made.session.status()["is_running"]


def test_a_session_leaves_notes_unless_told_otherwise(experiment: Make, tmp_path: Path) -> None:
    data = tmp_path / "home" / ".local" / "share"
    experiment("one", change=script(3), set={"memory.enabled": False}, tag="silent").run()
    assert not list(data.rglob("*.md"))
    experiment("two", change=script(4), tag="told").run()
    assert any("told" in note.read_text() for note in data.rglob("*.md"))


def test_a_branch_made_alone_is_used_by_the_run_that_follows(
    experiment: Make, repository: Path
) -> None:
    made = experiment("a smaller loss", change=script(3))
    assert made.create_branch() == "autoresearch/t"
    assert not (repository / ".autoresearch").exists()
    assert git(repository, "rev-parse", "autoresearch/t") == git(repository, "rev-parse", "HEAD")
    assert made.run().verdict == "keep"


def test_hypotheses_come_with_patches_or_new_texts(experiment: Make, repository: Path) -> None:
    (repository / "train.sh").write_text(script(6))
    patch = git(repository, "diff") + "\n"
    git(repository, "checkout", "--quiet", "train.sh")
    outcome = experiment(
        [Hypothesis("by patch", patch=patch), Hypothesis("by text", change={"train.sh": script(3)})]
    ).run()
    assert [row["hypothesis"] for row in outcome.results[1:]] == ["by patch", "by text"]
    assert [row["metric"] for row in outcome.results] == [5.0, 6.0, 3.0]


def test_a_second_run_needs_another_tag_or_goes_on(experiment: Make) -> None:
    made = experiment("a smaller loss", change=script(3))
    made.run()
    with pytest.raises(SessionError, match="resume"):
        made.run()
    assert made.resume().best == 3.0


def test_a_session_is_read_by_its_tag(experiment: Make, repository: Path) -> None:
    experiment("a smaller loss", change=script(3)).run()
    session = Session("t", repository)
    assert (session.metric, session.direction, session.targets) == (
        "loss",
        "minimize",
        ["train.sh"],
    )
    assert session.best == 3.0
    assert session.experiment(1)["hypothesis"] == "a smaller loss"
    assert "a smaller loss" in session.summary()
    assert repr(session) == "<Session t: loss 5 -> 3; 1 keep, 0 discard, 0 crash>"
    page = session._repr_html_()
    assert page.startswith("<svg") and "<td" in page and "a smaller loss" in page
    with pytest.raises(KeyError):
        session.experiment(7)
    with pytest.raises(SessionError):
        Session("other", repository)


def test_what_strangers_wrote_is_no_markup_in_a_notebook(experiment: Make) -> None:
    outcome = experiment("<b>&'\"", change=script(3)).run()
    assert "<b>" not in outcome._repr_html_()


def test_the_tables_of_other_tools_are_read(
    experiment: Make, repository: Path, tmp_path: Path
) -> None:
    experiment("a smaller loss", change=script(3)).run()
    ours = read_results(repository / "results.tsv")
    assert [(row["verdict"], row["metric"]) for row in ours] == [("keep", 5.0), ("keep", 3.0)]
    other = tmp_path / "results.tsv"
    other.write_text(
        "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
        "a1b2c3d\t0.997900\t44.0\tkeep\tbaseline\n"
        "b2c3d4e\t0.000000\t0.0\tcrash\tdouble width (OOM)\n"
    )
    rows = read_results(other)
    assert (rows[0]["metric"], rows[1]["metric"], rows[1]["verdict"]) == (0.9979, None, "crash")
    other.write_text("no table at all\n")
    with pytest.raises(LedgerError, match="results.tsv"):
        read_results(other)


def test_two_sessions_run_at_once_in_two_threads(tmp_path: Path, repository: Path) -> None:
    outcomes: dict[str, float | None] = {}
    together = threading.Barrier(2, timeout=120)

    def run(tag: str, loss: int) -> None:
        def metric(trial: Any) -> float:
            if trial.number == 1:
                # Both are in Python at the same time.
                together.wait()
            return float(trial.output.split()[1])

        made = SystemExperiment(
            "train.sh",
            "smaller",
            metric,
            60,
            folder=repository,
            command="sh train.sh",
            direction="minimize",
            change=script(loss),
            tag=tag,
            set={"results": f"{tag}.tsv"},
        )
        outcomes[tag] = made.run().best

    threads = [threading.Thread(target=run, args=pair) for pair in (("a", 3), ("b", 4))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert outcomes == {"a": 3.0, "b": 4.0}


def test_events_are_told_and_an_exception_of_their_reader_ends_the_session(
    experiment: Make,
) -> None:
    events: list[str] = []
    experiment("smaller", change=script(3), on_event=lambda e: events.append(e["event"])).run()
    assert events[-1] == "stopped" and events.count("settled") == 2

    def broken(event: dict[str, Any]) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        experiment(
            "smaller", change=script(3), on_event=broken, tag="u", set={"results": "u.tsv"}
        ).run()


def test_lines_are_printed_where_they_are_asked_for(
    experiment: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    experiment("smaller", change=script(3), verbose=True).run()
    printed = capfd.readouterr()
    assert "✓ #1 keep 3 (-2) smaller" in printed.err and printed.out == ""
    experiment("smaller", change=script(3), tag="u", set={"results": "u.tsv"}).run()
    assert capfd.readouterr() == ("", "")


def test_an_unknown_option_names_the_nearest(experiment: Make) -> None:
    with pytest.raises(ConfigError, match="did you mean `run.grace`") as caught:
        experiment("smaller", change=script(3), set={"run.grce": "1s"}).dry_run()
    assert "run.grce" in str(caught.value)
    with pytest.raises(ConfigError, match="metric.direction"):
        experiment("smaller", change=script(3), direction=None).run()
    with pytest.raises(TypeError, match="unexpected keyword"):
        experiment("smaller", budgte=3)


def test_values_of_python_become_values_of_the_configuration(experiment: Make) -> None:
    made = experiment(
        "smaller",
        budget="2m",
        stop_when=["loss <= 3", "no keep in 20"],
        set={"run.env": {"A": "b c"}, "judge.constraints": ["peak_mem_gb <= 40"]},
    )
    actions = str(made.dry_run())
    assert "2m each" in actions and "loss <= 3" in actions


def test_without_a_repository_it_says_so(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    (nowhere / "train.sh").write_text(script(5))
    made = SystemExperiment(
        "train.sh", folder=nowhere, command="sh train.sh", metric="loss", direction="minimize"
    )
    with pytest.raises(GitError) as caught:
        made.run()
    assert isinstance(caught.value, AutoresearchError)
    assert "repository" in str(caught.value)


def test_the_training_experiment_has_its_own_names(repository: Path) -> None:
    (repository / "train.py").write_text("print('val_bpb: 2.0')\n")
    (repository / "prepare.py").write_text("")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "train")
    outcome = TrainingExperiment(
        "a better rate", folder=repository, change="print('val_bpb: 1.5')\n", budget=60
    ).run()
    assert (outcome.session.metric, outcome.best) == ("val_bpb", 1.5)


def test_other_threads_go_on_while_the_engine_works(experiment: Make, tmp_path: Path) -> None:
    flag = tmp_path / "flag"

    def work() -> None:
        # As many turns as no thread gets by the way.
        for _ in range(2_000_000):
            pass
        flag.touch()

    wait = f"while [ ! -e {flag} ]; do sleep 0.02; done; echo loss: 3\n"
    thread = threading.Thread(target=work)
    made = experiment(
        "smaller",
        change=wait,
        set={"run.protection": "unprotected"},
        on_event=lambda event: (
            thread.start() if event["event"] == "settled" and not thread.ident else None
        ),
    )
    assert made.run().best == 3.0
    thread.join()
