"""Written by `cargo xtask generate` from the engine's presets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

@dataclass(frozen=True)
class Preset:
    name: str
    settings: dict[str, Any] = field(default_factory=dict)

def available() -> dict[str, str]: ...
def pytest(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """share of the tests that pass, by pytest."""

def cargo_test(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """share of the tests that pass, by cargo test."""

def nextest(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """share of the tests that pass, by cargo nextest."""

def junit(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """share of the tests that pass, by any tool that writes JUnit XML."""

def coverage(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """share of the code that the tests run, where all of them pass."""

def pylint(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """pylint's score of the code."""

def ruff(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """what ruff finds in Python code."""

def mypy(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """type errors in Python code, by mypy."""

def clippy(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """what the compiler and clippy say of Rust code."""

def criterion(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """time per iteration of criterion's benchmarks."""

def hyperfine(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """time of commands by `hyperfine --export-json hyperfine.json`."""

def lighthouse(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """a web page by `lighthouse --output=json --output-path=lighthouse.json`."""

def retrieval(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """how well a search finds what it should, from lines of query, relevant and returned ids."""

def latency(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """how long a request or a command takes, by `autoresearch measure latency`."""

def throughput(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """requests or items a second, by `autoresearch measure throughput`."""

def artifact_size(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """size of the files that `metric.report` names."""

def build_time(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """how long the command takes that builds."""

def peak_memory(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """how much memory the command takes."""

def json(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """a number in a JSON file that the command writes: `metric.json`, and `metric.key`."""

def regex(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """a number that the command prints, by a regular expression: `metric.pattern`."""

def command(
    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any
) -> Preset:
    """a number that a second command prints, which the run cannot touch: `metric.command`."""
