"""What keeps a session from going on."""

from __future__ import annotations


class AutoresearchError(Exception):
    """Why a session cannot go on. Its text ends with what to do about it.

    A trial that crashes is none of these: that is a result.
    """

    #: What to do about it, where that is known.
    hint: str | None

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\nhint: {hint}")
        self.hint = hint


class ConfigError(AutoresearchError):
    """A setting does not exist, cannot hold its value, or does not fit; its text
    names the setting and the nearest one that exists."""


class GitError(AutoresearchError):
    """Git refuses: there is no repository, or it cannot be written."""


class SessionError(AutoresearchError):
    """The session is not there, is there already, or is held by another engine."""


class RunError(AutoresearchError):
    """Nothing can be run here, or not as confined as it is asked for."""


class LedgerError(AutoresearchError):
    """A journal or a results table cannot be read."""
