//! The Research Config that a person confirms (SPEC B1, B4).

use std::time::Duration;

use autoresearch_core::budget::Budget;
use autoresearch_core::metric::Take;

use crate::config::Config;
use crate::layers::Layers;
use crate::text;

/// One row of the Research Config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is about.
    pub label: &'static str,
    /// The value, for people.
    pub value: String,
    /// Who said so, as `autoresearch.toml:3` or `--budget`; empty when nobody did.
    pub origin: String,
}

/// The rows of SPEC B1 in its order, then the run command, the proposer, the
/// links and the stop rules; constraints and checks where there are any.
pub fn table(config: &Config, layers: &Layers) -> Vec<Row> {
    let row = |label, value: String, keys: &[&str]| {
        let mut origins: Vec<String> =
            keys.iter().filter_map(|key| layers.origin(key)).map(ToString::to_string).collect();
        origins.dedup();
        Row { label, value, origin: origins.join(", ") }
    };
    let list = |items: &[String]| {
        if items.is_empty() { "none".to_owned() } else { items.join(", ") }
    };
    let command = |words: &[String]| {
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
    };

    let metric = &config.metric;
    let found = match (&metric.preset, &metric.pattern, &metric.json) {
        (Some(preset), ..) if metric.report.is_empty() => format!(", as {preset} reports it"),
        (Some(preset), ..) => format!(", as {preset} reports it in {}", list(&metric.report)),
        (None, Some(pattern), _) => format!(", by the pattern `{pattern}`"),
        (None, None, Some(file)) => format!(", from {file}"),
        (None, None, None) => String::new(),
    };
    let sealed = metric
        .command
        .as_ref()
        .map_or_else(String::new, |words| format!(", measured by {}", command(words)));
    let taken = match metric.take {
        Take::Last => String::new(),
        take => format!(", the {take} of a run"),
    };
    let measured = format!("{}, {}{found}{taken}{sealed}", metric.name, metric.direction);
    let allowance = match config.run.allowance {
        Duration::ZERO => String::new(),
        allowance => format!(", at most {} more", text::duration(allowance)),
    };
    let (label, budget) = match &config.budget {
        Budget::Wall(wall) => ("Time budget per experiment", text::duration(*wall)),
        budget @ Budget::Quota { .. } => (
            "Budget per experiment",
            format!("{budget}, at most {} in all", text::duration(budget.wall())),
        ),
    };
    let budget = budget + &allowance;
    let proposers = config.propose.proposer.iter().map(|name| match name.as_str() {
        "search" => "the embedded search".to_owned(),
        "queue" => "the queue alone".to_owned(),
        "command" => command(config.propose.command.as_deref().unwrap_or_default()),
        "model" => {
            let model = &config.model;
            let name = model.name.as_deref().or(config.propose.model.as_deref());
            let at = model.base_url.as_ref().map_or_else(String::new, |url| format!(" at {url}"));
            format!("the model {}{at}", name.unwrap_or("(no name)"))
        }
        name => name.to_owned(),
    });
    let proposer = proposers.collect::<Vec<_>>().join(", ");
    let mut rules = config.stop.when.clone();
    rules.extend(config.stop.time.map(|time| format!("after {}", text::duration(time))));

    let mut rows = vec![
        row("Training script", list(&config.target), &["target"]),
        row("Read-only script", list(&config.read_only), &["read_only"]),
        row(label, budget, &["budget"]),
        row("Metric", measured, &["metric.preset", "metric.name", "metric.direction"]),
        row(
            "Maximum iterations",
            config.iterations.map_or_else(|| "unlimited".to_owned(), |n| n.to_string()),
            &["iterations"],
        ),
        row("Modification scope", config.scope.to_string(), &["scope"]),
        row(
            "Branch tag",
            config.tag.clone().unwrap_or_else(|| "from the date".to_owned()),
            &["tag"],
        ),
        row("Results file", config.results.clone(), &["results"]),
        row("Run command", command(&config.run.command), &["run.command"]),
        row("Proposer", proposer, &["propose.proposer"]),
        row("Links", list(&config.links), &["links"]),
        row("Stop rules", list(&rules), &["stop.when", "stop.time"]),
    ];
    let (caps, keys): (Vec<String>, Vec<&str>) = caps(config).into_iter().unzip();
    if !caps.is_empty() {
        rows.push(row("Proposals cost at most", list(&caps), &keys));
    }
    if !config.judge.constraints.is_empty() {
        let constraints: Vec<String> =
            config.judge.constraints.iter().map(ToString::to_string).collect();
        rows.push(row("Constraints", list(&constraints), &["judge.constraints"]));
    }
    if let Some(words) = &config.checks.command {
        rows.push(row("Checks before a keep", command(words), &["checks.command"]));
    }
    rows
}

/// What proposals may cost, each cap with its key.
fn caps(config: &Config) -> Vec<(String, &'static str)> {
    let propose = &config.propose;
    [
        (propose.max_dollars.map(|most| format!("${most}")), "propose.max_dollars"),
        (propose.max_tokens.map(|most| format!("{most} tokens")), "propose.max_tokens"),
        (propose.max_time.map(text::duration), "propose.max_time"),
        (propose.max_dollars_each.map(|most| format!("${most} each")), "propose.max_dollars_each"),
        (
            propose.max_tokens_each.map(|most| format!("{most} tokens each")),
            "propose.max_tokens_each",
        ),
    ]
    .into_iter()
    .filter_map(|(cap, key)| Some((cap?, key)))
    .collect()
}
