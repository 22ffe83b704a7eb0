//! Values that are fine alone and do not go together.

use autoresearch_core::metric::Format;
use serde_json::Value as Json;

use crate::error::{Place, Problem, What};
use crate::layers::preset::word;
use crate::layers::{Layers, Origin};

/// All such values.
pub(crate) fn conflicts(layers: &Layers) -> Vec<Problem> {
    let mut problems = Vec::new();
    let is_set = |key: &str| is_set(layers, key);
    let mut conflict = |one: &str, two: &str, why: String| {
        let (one, two) = layers.stronger_first(one, two);
        let problem = Problem::new(What::Conflict(why), layers.place(one));
        problems.push(match layers.place(two) {
            Place::Nowhere => problem,
            // Nobody set it.
            _ if layers.origin(two) == Some(&Origin::Default) => problem,
            place => problem.other(place, format!("`{two}` is set here")),
        });
    };

    for target in list(layers, "target") {
        let holds = |folder: &str| {
            target.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if list(layers, "read_only").iter().any(|path| holds(path)) {
            conflict(
                "target",
                "read_only",
                format!("`{target}` is a target and read-only; it can only be one of them"),
            );
        }
        if layers.value("results").and_then(Json::as_str) == Some(target) {
            conflict(
                "target",
                "results",
                format!("`{target}` is a target, and the results would overwrite it"),
            );
        }
    }
    if is_set("metric.pattern") && is_set("metric.json") {
        conflict(
            "metric.json",
            "metric.pattern",
            "`metric.json` and `metric.pattern` exclude each other; keep the one that finds the metric".to_owned(),
        );
    }
    if is_set("metric.json") && layers.value("metric.take").is_some_and(|take| take != "last") {
        conflict(
            "metric.take",
            "metric.json",
            "`metric.take` means nothing with `metric.json`: a file holds one value".to_owned(),
        );
    }
    preset(layers, &mut conflict);
    for (key, needs) in [
        ("metric.report", "metric.preset"),
        ("metric.key", "metric.json"),
        ("metric.artifacts", "metric.command"),
        ("metric.held_out", "metric.command"),
        ("metric.allow_pickle", "metric.command"),
    ] {
        if is_set(key) && !is_set(needs) {
            conflict(key, needs, format!("`{key}` means nothing without `{needs}`"));
        }
    }
    if list(layers, "propose.proposer").contains(&"command") && !is_set("propose.command") {
        conflict(
            "propose.proposer",
            "propose.command",
            "the proposer `command` needs `propose.command`".to_owned(),
        );
    }
    problems
}

/// A preset finds the metric by itself, and has only the numbers that it has.
fn preset(layers: &Layers, conflict: &mut impl FnMut(&str, &str, String)) {
    let Some(preset) = layers.preset() else { return };
    let needs = preset.needs();
    if let Some(key) = needs.filter(|key| !is_set(layers, key)) {
        let why = format!("the preset `{}` needs `{key}`: {}", preset.name, preset.about);
        conflict("metric.preset", key, why);
    }
    for key in ["metric.pattern", "metric.json", "metric.take"] {
        let is_its_own = needs == Some(key) || (key == "metric.take" && preset.is_a_key());
        let is_given = !matches!(layers.origin(key), None | Some(Origin::Default));
        if is_given && is_set(layers, key) && !is_its_own {
            let why = format!(
                "the preset `{}` finds the metric by itself; leave out `{key}`, or the preset",
                preset.name
            );
            conflict(key, "metric.preset", why);
        }
    }
    if preset.format == Format::Usage && is_set(layers, "metric.command") {
        let why = format!(
            "the preset `{}` measures the run itself; leave out `metric.command`, or the preset",
            preset.name
        );
        conflict("metric.command", "metric.preset", why);
    }
    if preset.is_a_key() {
        return;
    }
    let name = layers.value("metric.name").and_then(Json::as_str).unwrap_or_default();
    if layers.is_name_unknown() {
        let why = format!(
            "the preset `{}` has no number `{name}`; it has {}",
            preset.name,
            preset.numbers()
        );
        conflict("metric.name", "metric.preset", why);
    }
    let known = layers.known_direction().map(word);
    let given = layers.value("metric.direction").and_then(Json::as_str);
    // A flag is for the one session whose table shows it; a file, for all that follow.
    let is_from_file = matches!(layers.origin("metric.direction"), Some(Origin::File { .. }));
    if let (Some(known), Some(given), true) = (known, given, is_from_file)
        && known != given
    {
        let better = |way: &str| if way == "minimize" { "lower" } else { "higher" };
        let why = format!(
            "`metric.direction` says that a {} `{name}` is better, and the preset `{}` that a {} one is; leave it out, or pass `--{given}` if you mean it",
            better(given),
            preset.name,
            better(known)
        );
        conflict("metric.direction", "metric.preset", why);
    }
}

fn is_set(layers: &Layers, key: &str) -> bool {
    match layers.value(key) {
        None | Some(Json::Null | Json::Bool(false)) => false,
        Some(Json::Array(items)) => !items.is_empty(),
        Some(_) => true,
    }
}

fn list<'a>(layers: &'a Layers, key: &str) -> Vec<&'a str> {
    let items = layers.value(key).and_then(Json::as_array);
    items.into_iter().flatten().filter_map(Json::as_str).collect()
}
