"""Type checked, not run: what users write."""

from __future__ import annotations

from autoresearch import (
    Brief,
    Desk,
    Hypothesis,
    Proposal,
    Session,
    SystemExperiment,
    TrainingExperiment,
    Trial,
    presets,
    read_results,
)


def seconds(trial: Trial) -> float:
    return trial.seconds


def propose(brief: Brief) -> str | None:
    return brief.target.replace("0.1", "0.2") if brief.best else None


def edit(brief: Brief, desk: Desk) -> Proposal:
    (desk.folder / "train.py").write_text(brief.target)
    return Proposal("edited", category="optimizer")


outcome = SystemExperiment("train.py", "faster", seconds, 60, direction="minimize").run()
verdict: str | None = outcome.verdict
gain: float | None = outcome.gain
rows: list[dict[str, object]] = list(outcome.results)
SystemExperiment(["a.py", "b.py"], [Hypothesis("one", patch="")], proposer=edit).run_session()
SystemExperiment("a.py", preset=presets.pylint(metric="errors"), proposer=propose).dry_run()
TrainingExperiment(budget="5m", iterations=12, stop_when="improvement >= 10%").run()
best: float | None = Session("mar8").best
table = read_results("results.tsv")
