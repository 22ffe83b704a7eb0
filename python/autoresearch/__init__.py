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

# As `typing` has it, which takes longer to import than all that the program needs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from autoresearch import presets
    from autoresearch._errors import (
        AutoresearchError,
        ConfigError,
        GitError,
        LedgerError,
        RunError,
        SessionError,
    )
    from autoresearch._experiment import (
        DryRun,
        Hypothesis,
        SystemExperiment,
        TrainingExperiment,
    )
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

#: Where each name is at home; imported when it is first asked for.
_HOMES = {
    "_errors": [
        "AutoresearchError",
        "ConfigError",
        "GitError",
        "LedgerError",
        "RunError",
        "SessionError",
    ],
    "_experiment": ["DryRun", "Hypothesis", "SystemExperiment", "TrainingExperiment"],
    "_native": ["__version__"],
    "_propose": ["Brief", "Desk", "Proposal"],
    "_session": ["Outcome", "Session", "read_results"],
    "_trial": ["Trial"],
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name == "presets":
        return import_module("autoresearch.presets")
    for home, names in _HOMES.items():
        if name in names:
            value: object = getattr(import_module(f"autoresearch.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'autoresearch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
