"""Ending what a thread is at, as far as Python can: between two instructions. A
call into C that does not return is not ended."""

from __future__ import annotations

import ctypes
import traceback
from pathlib import Path


class Interrupted(BaseException):
    """Raised inside a callable that shall end; not to be caught there."""


def interrupt(thread: int) -> None:
    """Raises `Interrupted` in the thread of this identity."""
    _set(thread, ctypes.py_object(Interrupted))


def forget(thread: int) -> None:
    """Takes back what has not been raised yet."""
    _set(thread, None)


def _set(thread: int, what: ctypes.py_object[type[BaseException]] | None) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


def in_one_line(error: BaseException) -> str:
    """An exception with the places it came through, innermost first."""
    text = "".join(traceback.format_exception_only(error)).strip().splitlines()
    here = Path(__file__).parent
    frames = [
        f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in reversed(traceback.extract_tb(error.__traceback__))
        if Path(frame.filename).parent != here
    ]
    where = ", called at ".join(frames[:4])
    head = text[0] if text else type(error).__name__
    return f"{head} (at {where})" if where else head


def add_note(error: BaseException, note: str) -> None:
    """As `BaseException.add_note`, which Python 3.10 does not have."""
    notes = getattr(error, "__notes__", [])
    if note not in notes:
        error.__notes__ = [*notes, note]
