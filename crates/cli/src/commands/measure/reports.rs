//! `autoresearch measure --preset`: what a session would read in a report.

use std::io::Read as _;

use anyhow::Context as _;
use autoresearch::core::metric::{Direction, Format, Part, Readings, read_report, significant};
use autoresearch::core::preset::Preset;
use autoresearch::run::report_there;
use serde_json::json;

use super::args::MeasureArgs;
use crate::args::Global;
use crate::exit::{BadInput, Exit};
use crate::output;

pub(super) fn run(global: &Global, args: &MeasureArgs) -> anyhow::Result<Exit> {
    let preset = args.preset.as_deref().and_then(Preset::named).ok_or_else(|| {
        let hint =
            "say `latency`, `throughput` or `--preset NAME REPORT`; `--list` has the presets";
        BadInput::new("there is nothing to measure", hint)
    })?;
    let name = match (&args.metric, preset.measures) {
        (Some(name), _) if preset.measure(name).is_none() => {
            let message = format!("the preset `{}` has no number `{name}`", preset.name);
            return Err(BadInput::new(message, format!("it has {}", preset.numbers())).into());
        }
        (Some(name), _) => name.as_str(),
        (None, [first, ..]) => first.name,
        (None, []) => return Err(elsewhere(preset, "find the metric in a run").into()),
    };
    if preset.format == Format::Usage {
        return Err(elsewhere(preset, "measure a run itself, and there is no report").into());
    }
    let readings = read(global, args, preset, name)?;
    let Some(value) = readings.metric else {
        let why = readings.trouble.unwrap_or_else(|| format!("`{name}` was not reported"));
        anyhow::bail!("{why}");
    };
    let direction = preset.measure(name).map(|measure| measure.direction);
    if global.json {
        let metric = json!({ "name": name, "value": value, "direction": direction });
        let secondary = &readings.secondary;
        output::json(&json!({ "preset": preset.name, "metric": metric, "secondary": secondary }))?;
        return Ok(Exit::Success);
    }
    let way = |direction: Option<Direction>| {
        direction.map(|direction| format!("{direction}")).unwrap_or_default()
    };
    let names = readings.secondary.keys().map(String::as_str).chain([name]);
    let width = names.map(|name| name.chars().count()).max().unwrap_or_default();
    let row = |name: &str, value: f64, note: &str| {
        let line = format!("{name:<width$}  {:>14}  {note}", significant(value, 9));
        output::line(line.trim_end())
    };
    row(name, value, &format!("the metric, {}", way(direction)))?;
    for (name, value) in &readings.secondary {
        row(name, *value, "")?;
    }
    Ok(Exit::Success)
}

fn read(
    global: &Global,
    args: &MeasureArgs,
    preset: &Preset,
    name: &str,
) -> anyhow::Result<Readings> {
    if args.reports.iter().any(|report| report == "-") {
        let mut text = Vec::new();
        std::io::stdin().lock().read_to_end(&mut text).context("failed to read standard input")?;
        let (bytes, text) = (text.len() as u64, String::from_utf8_lossy(&text).into_owned());
        return Ok(read_report(preset.format, name, &[Part { path: String::new(), bytes, text }]));
    }
    let files: Vec<String> = match &args.reports[..] {
        [] => preset.files.iter().map(|file| (*file).to_owned()).collect(),
        named => named.to_vec(),
    };
    if files.is_empty() {
        let message = format!("the report of `{}` is not said", preset.name);
        return Err(BadInput::new(message, "name its files, or `-` for standard input").into());
    }
    Ok(report_there(name, preset.format, &files, &global.directory)?)
}

fn elsewhere(preset: &Preset, what: &str) -> BadInput {
    let message = format!("presets as `{}` {what}", preset.name);
    BadInput::new(message, "let a session run it: `autoresearch run --set metric.preset=…`")
}
