//! The ready-made metrics, as `autoresearch learn --list` shows them.

use autoresearch::core::metric::Direction;
use autoresearch::core::preset::Preset;
use serde_json::json;

use crate::args::Global;
use crate::output;

/// Prints all presets with their numbers, directions and defaults.
///
/// # Errors
/// When stdout is closed.
pub(crate) fn list(global: &Global) -> anyhow::Result<()> {
    if global.json {
        return output::json(&Preset::ALL.iter().map(as_json).collect::<Vec<_>>());
    }
    for (at, preset) in Preset::ALL.iter().enumerate() {
        if at > 0 {
            output::line("")?;
        }
        output::line(&format!("{}: {}", preset.name, preset.about))?;
        let width = preset.measures.iter().map(|measure| measure.name.len()).max().unwrap_or(0);
        for measure in preset.measures {
            let better = match measure.direction {
                Direction::Minimize => "lower is better ",
                Direction::Maximize => "higher is better",
            };
            output::line(&format!("  {:width$}  {better}  {}", measure.name, measure.about))?;
        }
        let command = match preset.command {
            [] => "yours, with --command".to_owned(),
            words => words.join(" "),
        };
        output::line(&format!("  command: {command} ({} a run)", preset.budget))?;
        if !preset.files.is_empty() {
            output::line(&format!("  reads: {}", preset.files.join(", ")))?;
        }
    }
    Ok(())
}

fn as_json(preset: &Preset) -> serde_json::Value {
    let measures = preset.measures.iter().map(|measure| {
        json!({ "name": measure.name, "direction": measure.direction, "about": measure.about })
    });
    json!({
        "name": preset.name, "about": preset.about, "measures": measures.collect::<Vec<_>>(),
        "command": preset.command, "budget": preset.budget, "files": preset.files,
    })
}
