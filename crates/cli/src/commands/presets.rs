//! The ready-made metrics, listed.

use autoresearch::core::metric::Direction;
use autoresearch::core::preset::Preset;
use serde_json::{Value, json};

use crate::args::Global;
use crate::output;

/// Prints all of them: the numbers with their directions, and the command.
///
/// # Errors
/// When stdout is closed.
pub(crate) fn list(global: &Global) -> anyhow::Result<()> {
    if global.json {
        return output::json(&Preset::ALL.iter().map(value).collect::<Vec<_>>());
    }
    let blocks: Vec<String> = Preset::ALL.iter().map(block).collect();
    output::line(&blocks.join("\n"))
}

fn block(preset: &Preset) -> String {
    let mut lines = vec![format!("{:<14} {}", preset.name, preset.about)];
    let mut add = |text: &str| lines.push(format!("{:<14} {text}", ""));
    for measure in preset.measures {
        let way = match measure.direction {
            Direction::Minimize => "lower",
            Direction::Maximize => "higher",
        };
        add(&format!("  {:<25} {way:<7} {}", measure.name, measure.about));
    }
    if !preset.command.is_empty() {
        add(&format!("  runs {}", preset.command.join(" ")));
    }
    if !preset.files.is_empty() {
        add(&format!("  reads {}", preset.files.join(", ")));
    }
    if let Some(key) = preset.needs() {
        add(&format!("  needs {key}"));
    }
    if let Some(example) = preset.example() {
        add(&format!("  needs run.command, as {example}"));
    }
    lines.join("\n")
}

fn value(preset: &Preset) -> Value {
    let measures = preset.measures.iter().map(|measure| {
        json!({ "name": measure.name, "direction": measure.direction, "about": measure.about })
    });
    json!({
        "name": preset.name,
        "about": preset.about,
        "measures": measures.collect::<Vec<_>>(),
        "command": preset.command,
        "report": preset.files,
        "needs": preset.needs(),
        "example": preset.example(),
    })
}
