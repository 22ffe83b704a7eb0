//! What type checkers and editors know of `autoresearch.presets`, whose functions are
//! made when they are asked for.

use std::fmt::Write as _;

use autoresearch_core::preset::Preset;

pub(crate) const PAGE: &str = "python/autoresearch/presets.pyi";

const HEAD: &str = r#""""Written by `cargo xtask generate` from the engine's presets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

@dataclass(frozen=True)
class Preset:
    name: str
    settings: dict[str, Any] = field(default_factory=dict)

def available() -> dict[str, str]: ...
"#;

pub(crate) fn page() -> String {
    let mut page = HEAD.to_owned();
    for preset in Preset::ALL {
        let name = preset.name.replace('-', "_");
        let _ = write!(
            page,
            "def {name}(\n    metric: str | None = None, command: str | Sequence[str] | None = None, **settings: Any\n) -> Preset:\n    \"\"\"{}.\"\"\"\n\n",
            preset.about
        );
    }
    page.trim_end().to_owned() + "\n"
}
