"""Ready-made metrics, one function each: `presets.pylint()`, and whatever else
`presets.available()` names. Each function returns what `SystemExperiment` takes as
`preset`, and is made from what the engine itself knows of it.

    SystemExperiment("src/app.py", preset=presets.pylint(metric="errors"))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

# A module of that name would hide the preset `json`.
from json import loads as _loads
from typing import Any

from autoresearch import _native


@dataclass(frozen=True)
class Preset:
    """A ready-made metric with what was set of it."""

    #: Its name, as in `metric.preset`.
    name: str
    #: Keys of `autoresearch.toml` with their values.
    settings: dict[str, Any] = field(default_factory=dict)


@cache
def available() -> dict[str, str]:
    """All presets by name, each with what it measures in a line."""
    return {preset["name"]: preset["about"] for preset in _known()}


def _known() -> list[dict[str, Any]]:
    known: list[dict[str, Any]] = _loads(_native.presets())
    return known


def _function(name: str) -> str:
    return name.replace("-", "_")


def __dir__() -> list[str]:
    return ["Preset", "available", *(_function(name) for name in available())]


def __getattr__(name: str) -> Callable[..., Preset]:
    for known in _known():
        if _function(known["name"]) == name:
            return _made(known)
    raise AttributeError(
        f"there is no preset `{name}`; there are {', '.join(map(_function, available()))}"
    )


def _made(known: dict[str, Any]) -> Callable[..., Preset]:
    def preset(
        metric: str | None = None,
        command: str | Sequence[str] | None = None,
        **settings: Any,
    ) -> Preset:
        keys: dict[str, Any] = {"metric.preset": known["name"]}
        if metric is not None:
            keys["metric.name"] = metric
        if command is not None:
            keys["run.command"] = command
        keys.update({f"metric.{key}": value for key, value in settings.items()})
        return Preset(known["name"], keys)

    numbers = "".join(
        f"\n- `{number['name']}` ({number['direction']}): {number['about']}"
        for number in known["measures"]
    )
    runs = " ".join(known["command"])
    preset.__name__ = preset.__qualname__ = _function(known["name"])
    preset.__doc__ = (
        f"{known['about']}.\n\n"
        + (f"Runs `{runs}` unless `command` says otherwise. " if runs else "")
        + f"Its numbers, of which `metric` names one, or the first counts:\n{numbers}\n\n"
        "Other arguments set `metric.<name>` of autoresearch.toml."
    )
    return preset
