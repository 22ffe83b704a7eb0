"""Experiments on any system with a number.

    from autoresearch import SystemExperiment

    outcome = SystemExperiment(
        "train.py",
        "a higher rate learns faster",
        command=["python3", "train.py"],
        metric="val_bpb",
        direction="minimize",
        change={"train.py": "LEARNING_RATE = 0.8\\n"},
    ).run()

Everything runs in worktrees of its own: your checkout is only read.
"""

from autoresearch import presets
from autoresearch._errors import (
    AutoresearchError,
    ConfigError,
    GitError,
    LedgerError,
    RunError,
    SessionError,
)
from autoresearch._experiment import DryRun, Hypothesis, SystemExperiment, TrainingExperiment
from autoresearch._native import __version__
from autoresearch._propose import Brief, Desk, Proposal
from autoresearch._session import Outcome, Session, read_results
from autoresearch._trial import Trial

__all__ = [
    "AutoresearchError",
    "Brief",
    "ConfigError",
    "Desk",
    "DryRun",
    "GitError",
    "Hypothesis",
    "LedgerError",
    "Outcome",
    "Proposal",
    "RunError",
    "Session",
    "SessionError",
    "SystemExperiment",
    "TrainingExperiment",
    "Trial",
    "__version__",
    "presets",
    "read_results",
]
