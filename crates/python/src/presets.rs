//! The ready-made metrics, as the package's functions are made of them.

use autoresearch::core::preset::Preset;
use pyo3::prelude::*;
use serde_json::{Value, json};

/// All presets as JSON: name, what each measures, its numbers, its command.
#[pyfunction]
pub(crate) fn presets() -> String {
    Preset::ALL.iter().map(told).collect::<Value>().to_string()
}

fn told(preset: &Preset) -> Value {
    let measures = preset.measures.iter().map(|measure| {
        json!({
            "name": measure.name,
            "direction": measure.direction,
            "about": measure.about,
        })
    });
    json!({
        "name": preset.name,
        "about": preset.about,
        "measures": measures.collect::<Value>(),
        "command": preset.command,
    })
}
