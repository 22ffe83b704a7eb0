//! Three to five next steps, by rules from the data. Each says which numbers it
//! follows from; where nothing follows, nothing is said.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use autoresearch_core::experiment::Verdict;
use autoresearch_core::judge::Noise;
use autoresearch_core::proposal::Category;
use autoresearch_core::trial::CrashKind;

use super::{Facts, failures, sentence};
use crate::history::Step;
use crate::noise;
use crate::numbers::{self, grouped};
use crate::words::{self, markdown, one_line};

/// No more than this many steps are given.
const MOST: usize = 5;
/// Experiments below which a session is short.
const FEW: u64 = 20;

pub(super) fn section(text: &mut String, facts: &Facts<'_>) {
    text.push_str("## Next steps\n\n");
    let steps = steps(facts);
    for (i, step) in steps.iter().enumerate() {
        let _ = writeln!(text, "{}. {step}", i + 1);
    }
    if steps.is_empty() {
        text.push_str("Nothing follows from what has run.\n");
    }
}

pub(super) fn steps(facts: &Facts<'_>) -> Vec<String> {
    // In the order of what a researcher would want to hear first.
    let rules: [fn(&Facts<'_>) -> Option<String>; 12] = [
        start,
        crashes,
        no_effect,
        paying_direction,
        plateau,
        near_misses,
        confirm,
        untried_category,
        idle_budget,
        best_category,
        largest_gain,
        longer,
    ];
    rules.iter().filter_map(|rule| rule(facts)).take(MOST).collect()
}

/// Without a baseline nothing can be judged.
fn start(facts: &Facts<'_>) -> Option<String> {
    if facts.history.points.is_empty() {
        return Some("**Run the baseline.** Nothing has run, so nothing follows yet.".to_owned());
    }
    let crashed = facts.history.points.iter().find(|p| p.is_baseline() && p.value().is_none())?;
    let reason =
        crashed.reason.as_deref().map_or_else(String::new, |r| format!(" ({})", sentence(r)));
    Some(format!(
        "**Make the unmodified target run.** The baseline reported no metric{reason}; no change can be judged against it."
    ))
}

/// One kind of crash that takes a tenth of the experiments, or three of them.
fn crashes(facts: &Facts<'_>) -> Option<String> {
    let mut kinds: HashMap<Option<CrashKind>, (u64, Vec<u64>)> = HashMap::new();
    for step in facts.steps.iter().filter(|s| s.point.verdict == Verdict::Crash) {
        let (count, shown) = kinds.entry(step.point.crash_kind).or_default();
        *count += 1;
        if shown.len() < 4 {
            shown.push(step.point.number);
        }
    }
    let (kind, (count, shown)) =
        kinds.into_iter().max_by_key(|(_, (n, shown))| (*n, std::cmp::Reverse(shown.clone())))?;
    let total = facts.counts.total();
    if count < 3 && (count * 5 < total || count < 2) || count * 10 < total {
        return None;
    }
    let which =
        format!("{} of {} ({})", grouped(count), grouped(total), words::numbers(&shown, count, 4));
    Some(match kind {
        Some(CrashKind::Oom) => {
            let most = facts
                .steps
                .iter()
                .filter(|s| s.point.value().is_some())
                .filter_map(|s| s.point.memory)
                .max();
            let ran = most.map_or_else(String::new, |m| format!("; the largest that ran used {m}"));
            format!(
                "**Stay within memory.** {which} ran out of it{ran}. Pair what needs more with a smaller batch."
            )
        }
        Some(CrashKind::Timeout) => {
            let budget = facts.history.session.budget_seconds.and_then(numbers::seconds);
            let budget = budget.map_or_else(String::new, |b| format!(" of {b}"));
            format!(
                "**Raise the budget or ask for cheaper changes.** {which} were still running at the deadline{budget}."
            )
        }
        Some(CrashKind::NoMetric | CrashKind::NotFinite) => format!(
            "**Ask for gentler changes.** {which} ended without a finite {}, which is how diverging runs look.",
            words::markdown_code(&facts.history.session.metric)
        ),
        Some(CrashKind::Tampered) => {
            format!("**Tell the proposer what is protected.** {which} changed a protected file.")
        }
        Some(CrashKind::Checks) => format!(
            "**Tell the proposer what is checked.** {which} had a better metric, and failed the checks."
        ),
        Some(kind @ (CrashKind::Exit | CrashKind::Limit | CrashKind::Interrupted)) => format!(
            "**Look at what crashed.** {which}: {}; each cost an experiment and taught nothing about the metric.",
            failures::name(kind)
        ),
        None => format!(
            "**Look at what crashed.** {which}, for reasons that the ledger does not record."
        ),
    })
}

/// Changes that leave the metric exactly as it was.
fn no_effect(facts: &Facts<'_>) -> Option<String> {
    let judged = facts.steps.iter().filter(|s| s.gain.is_some()).count();
    let equal: Vec<u64> =
        facts.steps.iter().filter(|s| s.gain == Some(0.0)).map(|s| s.point.number).collect();
    if equal.len() < 3 || equal.len() * 2 < judged {
        return None;
    }
    Some(format!(
        "**Check that the metric sees the change.** {} of {} gave exactly the value of the incumbent ({}).",
        grouped(equal.len() as u64),
        numbers::count(judged as u64, "experiment"),
        words::numbers(&equal, equal.len() as u64, 4)
    ))
}

/// A setting that was moved one way, as a search writes it: `raise LR from
/// 0.003 to 0.006`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Move {
    knob: String,
    up: bool,
}

impl Move {
    fn of(hypothesis: &str) -> Option<Move> {
        const UP: [&str; 8] =
            ["raise", "increase", "double", "enlarge", "grow", "widen", "deepen", "lengthen"];
        const DOWN: [&str; 7] =
            ["lower", "decrease", "reduce", "halve", "shrink", "shorten", "narrow"];
        let line = one_line(hypothesis);
        let mut words = line.split(' ');
        let verb = words.next()?.to_lowercase();
        let up = UP.contains(&verb.as_str());
        if !up && !DOWN.contains(&verb.as_str()) {
            return None;
        }
        let knob: Vec<&str> = words
            .take_while(|w| !matches!(*w, "from" | "to" | "by" | "and" | "for" | "in" | "with"))
            .filter(|w| !matches!(*w, "the" | "a"))
            .take(4)
            .collect();
        let knob = knob.join(" ").trim_end_matches([':', ',', ';', '.']).to_owned();
        (!knob.is_empty()).then_some(Move { knob, up })
    }

    fn verb(&self) -> &'static str {
        if self.up { "raising" } else { "lowering" }
    }
}

/// The knob that paid most when moved one way, and what came of it since.
fn paying_direction(facts: &Facts<'_>) -> Option<String> {
    struct Record {
        kept: Vec<u64>,
        gain: f64,
        refused_since: u64,
    }
    let mut records: BTreeMap<Move, Record> = BTreeMap::new();
    for step in &facts.steps {
        let Some(moved) = Move::of(&step.point.hypothesis) else {
            continue;
        };
        if step.point.is_gain() {
            let record = records.entry(moved).or_insert(Record {
                kept: Vec::new(),
                gain: 0.0,
                refused_since: 0,
            });
            record.kept.push(step.point.number);
            record.gain += step.gain.unwrap_or(0.0);
            record.refused_since = 0;
        } else if let Some(record) = records.get_mut(&moved) {
            record.refused_since += 1;
        }
    }
    let (moved, record) = records
        .into_iter()
        .filter(|(_, r)| r.gain > 0.0 && (r.kept.len() > 1 || r.refused_since == 0))
        .max_by(|(_, a), (_, b)| {
            a.kept.len().min(3).cmp(&b.kept.len().min(3)).then(a.gain.total_cmp(&b.gain))
        })?;
    let knob = markdown(&moved.knob);
    let which = words::numbers(&record.kept, record.kept.len() as u64, 4);
    let brought = format!("{} in all", facts.change(record.gain));
    let verb = moved.verb();
    Some(match (record.kept.len(), record.refused_since) {
        (1, _) => format!(
            "**Go on {verb} {knob}.** It was kept the only time it was tried ({which}, {}).",
            facts.change(record.gain)
        ),
        (n, 0) => format!(
            "**Go on {verb} {knob}.** It was kept {} ({which}; {brought}) and has not failed since.",
            times(n as u64)
        ),
        (n, refused) => format!(
            "**Look more finely at {knob}.** {} it was kept {} ({which}; {brought}), then not kept {}: try smaller \
             steps around the present value.",
            if moved.up { "Raising" } else { "Lowering" },
            times(n as u64),
            times(refused),
        ),
    })
}

fn times(number: u64) -> String {
    match number {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{} times", grouped(number)),
    }
}

/// Nothing was kept for long.
fn plateau(facts: &Facts<'_>) -> Option<String> {
    let total = facts.steps.len();
    let since = facts.steps.iter().rev().take_while(|s| !s.point.is_gain()).count();
    if since < 10 || since * 3 < total || !has_measured(facts) {
        return None;
    }
    let last = (total - since).checked_sub(1).and_then(|i| facts.steps.get(i));
    Some(match last {
        Some(last) => format!(
            "**Make bigger changes.** Nothing was kept in the {} since #{}: what lies near the best is likely \
             exhausted.",
            numbers::count(since as u64, "experiment"),
            last.point.number
        ),
        None => format!(
            "**Make bigger changes.** None of the {} was kept: what lies near the baseline is likely exhausted.",
            numbers::count(since as u64, "experiment")
        ),
    })
}

/// Whether any change has given a value.
fn has_measured(facts: &Facts<'_>) -> bool {
    facts.steps.iter().any(|s| s.point.value().is_some())
}

/// Two discarded changes that missed by less than what is usually gained, or
/// where nothing was gained, usually lost.
fn near_misses(facts: &Facts<'_>) -> Option<String> {
    let mut sizes: Vec<f64> =
        facts.kept.iter().filter_map(|s| s.gain).filter(|g| *g > 0.0).collect();
    let measure = if sizes.is_empty() {
        sizes.extend(facts.steps.iter().filter_map(|s| s.gain).filter(|g| *g < 0.0).map(f64::abs));
        "what a change typically lost"
    } else {
        "what a kept change typically brought"
    };
    if sizes.is_empty() {
        return None;
    }
    let middle = sizes.len() / 2;
    let typical = *sizes.select_nth_unstable_by(middle, f64::total_cmp).1;
    let mut nearest: Vec<(&Step<'_>, f64)> = Vec::new();
    for step in facts.steps.iter().filter(|s| s.point.verdict == Verdict::Discard) {
        let Some(gain) = step.gain.filter(|g| *g < 0.0 && -g < typical / 2.0) else {
            continue;
        };
        if nearest.len() == 2 && gain <= nearest[1].1 {
            continue;
        }
        let moved = Move::of(&step.point.hypothesis);
        // The same knob twice is no combination.
        let same = |other: &&Step<'_>| {
            other.point.hypothesis == step.point.hypothesis
                || moved.is_some()
                    && Move::of(&other.point.hypothesis).map(|m| m.knob)
                        == moved.as_ref().map(|m| m.knob.clone())
        };
        if let Some(known) = nearest.iter_mut().find(|(s, _)| same(s)) {
            if gain > known.1 {
                *known = (step, gain);
            }
        } else {
            nearest.push((step, gain));
        }
        nearest.sort_by(|a, b| b.1.total_cmp(&a.1));
        nearest.truncate(2);
    }
    let [(a, miss_a), (b, miss_b)] = nearest.as_slice() else {
        return None;
    };
    Some(format!(
        "**Try #{} and #{} together.** “{}” and “{}” missed by {} and {}, less than half of {measure} ({}).",
        a.point.number,
        b.point.number,
        sentence(&a.point.hypothesis),
        sentence(&b.point.hypothesis),
        facts.precision.size(*miss_a),
        facts.precision.size(*miss_b),
        facts.precision.size(typical),
    ))
}

/// Kept gains are partly luck, unless runs never differ.
fn confirm(facts: &Facts<'_>) -> Option<String> {
    let best = facts.best.as_ref().filter(|b| b.number > 0)?;
    let gains: Vec<f64> = facts.kept.iter().filter_map(|s| s.gain).filter(|g| *g > 0.0).collect();
    let largest = gains.first()?;
    let small: Vec<&Step<'_>> = facts
        .kept
        .iter()
        .filter(|s| s.gain.is_some_and(|g| g > 0.0 && g * 10.0 < *largest))
        .collect();
    let seen = facts.history.session.noise;
    let has_noise = seen != Some(Noise::Unseen);
    let doubt = (has_noise && !small.is_empty()).then(|| {
        let which: Vec<u64> = small.iter().rev().map(|s| s.point.number).take(3).collect();
        format!(
            "{} ({}) brought less than a tenth of the largest gain and may be noise; leave each out once and see",
            numbers::count(small.len() as u64, "kept change"),
            words::numbers(&which, small.len() as u64, 3)
        )
    });
    if let Some(comparison) = facts.comparison() {
        let is_clear = comparison.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0);
        return match doubt {
            _ if !is_clear => Some(format!(
                "**Measure longer.** Against the baseline it is {}: {comparison}. More runs narrow the interval: `autoresearch verify --runs 20`.",
                comparison.conclusion(),
            )),
            Some(doubt) => Some(format!(
                "**Leave small keeps out.** The gain as a whole is confirmed, but {doubt}."
            )),
            None => None,
        };
    }
    let single = || match facts.counts.keep {
        1 => "the one keep was decided on a single comparison".to_owned(),
        n => format!("each of the {} keeps was decided on a single comparison", grouped(n)),
    };
    let why = match (seen, doubt) {
        // There is nothing to confirm.
        (Some(Noise::Unseen), _) => return None,
        (Some(Noise::Seen(outlook)), doubt) if outlook.keeps > 0 => {
            let doubt = doubt.map_or_else(String::new, |doubt| format!(", and {doubt}"));
            format!(
                "{} keeps are expected not to help, by the runs that they were kept for{doubt}",
                noise::idle(&outlook)
            )
        }
        (_, Some(doubt)) => format!("{}, and {doubt}", single()),
        (_, None) => {
            format!("{}, and whether the gain is larger than the noise is not known", single())
        }
    };
    Some(format!(
        "**Confirm before you believe.** Run the baseline and #{} several times with different seeds: {why}.",
        best.number,
    ))
}

/// A sort of change that was never or hardly tried.
fn untried_category(facts: &Facts<'_>) -> Option<String> {
    if facts.steps.len() < 5 || !has_measured(facts) {
        return None;
    }
    let mut categories: BTreeMap<Category, (u64, u64)> = BTreeMap::new();
    for category in [Category::Architecture, Category::Optimizer, Category::Training] {
        categories.insert(category, (0, 0));
    }
    for step in &facts.steps {
        let (tries, kept) = categories.entry(step.point.category).or_default();
        *tries += 1;
        *kept += u64::from(step.point.is_gain());
    }
    let (least, (tries, kept)) =
        categories.iter().filter(|(c, _)| **c != Category::Other).min_by_key(|(_, (n, _))| *n)?;
    if tries * 10 > facts.steps.len() as u64 || *tries > 50 {
        return None;
    }
    let others: Vec<String> = categories
        .iter()
        .filter(|(c, (n, _))| *c != least && *n > 0)
        .map(|(c, (n, _))| format!("{} {c}", grouped(*n)))
        .collect();
    let how = match tries {
        0 => format!("No experiment was about {least}"),
        1 => format!(
            "Only one experiment was about {least}, {}",
            if *kept == 1 { "and it was kept" } else { "and it was not kept" }
        ),
        _ => format!(
            "Only {} were about {least}, {kept} of them kept",
            numbers::count(*tries, "experiment")
        ),
    };
    Some(format!(
        "**Try {least} changes**, if the scope allows. {how}; the others were {}.",
        words::listed(&others)
    ))
}

/// Runs that end long before their budget.
fn idle_budget(facts: &Facts<'_>) -> Option<String> {
    let budget = facts.history.session.budget_seconds.filter(|b| *b > 0.0)?;
    let mut walls: Vec<f64> = facts
        .steps
        .iter()
        .filter(|s| s.point.value().is_some())
        .filter_map(|s| s.point.wall_seconds.filter(|w| w.is_finite()))
        .collect();
    if walls.len() < 5 {
        return None;
    }
    let middle = walls.len() / 2;
    let typical = *walls.select_nth_unstable_by(middle, f64::total_cmp).1;
    if typical * 3.0 > budget {
        return None;
    }
    Some(format!(
        "**Use the budget.** Half of the runs ended within {} of {}: let each do more, or nothing is gained by so long \
         a budget.",
        numbers::seconds(typical)?,
        numbers::seconds(budget)?
    ))
}

/// The category that brings most for an experiment.
fn best_category(facts: &Facts<'_>) -> Option<String> {
    let mut records: BTreeMap<Category, (u64, u64, f64)> = BTreeMap::new();
    for step in &facts.steps {
        let (tries, kept, gain) = records.entry(step.point.category).or_default();
        *tries += 1;
        if step.point.is_gain() {
            *kept += 1;
            *gain += step.gain.unwrap_or(0.0);
        }
    }
    let mut records: Vec<_> = records.into_iter().filter(|(_, (tries, ..))| *tries >= 5).collect();
    records.sort_by(|(_, a), (_, b)| (b.2 / b.0 as f64).total_cmp(&(a.2 / a.0 as f64)));
    let [(best, a), .., (worst, b)] = records.as_slice() else {
        return None;
    };
    if a.2 / (a.0 as f64) < 1.5 * b.2 / b.0 as f64 || a.2 <= 0.0 {
        return None;
    }
    Some(format!(
        "**Favour {best} changes.** They brought {} in {} ({} kept), {worst} changes {} in {} ({} kept).",
        facts.change(a.2),
        numbers::count(a.0, "experiment"),
        grouped(a.1),
        facts.change(b.2),
        numbers::count(b.0, "experiment"),
        grouped(b.1),
    ))
}

/// What is near a large success is worth a look.
fn largest_gain(facts: &Facts<'_>) -> Option<String> {
    let largest = facts.kept.first()?;
    let gain = largest.gain.filter(|g| *g > 0.0)?;
    let total: f64 = facts.kept.iter().filter_map(|s| s.gain).sum();
    let share = if facts.kept.len() > 1 && total > 0.0 {
        format!(", {:.0}% of all that was gained", (100.0 * gain / total).min(100.0))
    } else {
        String::new()
    };
    Some(format!(
        "**Explore around #{}.** “{}” brought the most ({}{share}); variants of it are the likeliest to bring more.",
        largest.point.number,
        sentence(&largest.point.hypothesis),
        facts.change(gain),
    ))
}

/// A short session says little.
fn longer(facts: &Facts<'_>) -> Option<String> {
    let total = facts.counts.total();
    if total >= FEW || facts.history.points.is_empty() || total > 0 && !has_measured(facts) {
        return None;
    }
    if total == 0 {
        facts.baseline?;
        return Some(
            "**Start experimenting.** The baseline is measured; no change has been tried."
                .to_owned(),
        );
    }
    Some(format!(
        "**Run longer.** {} with {} kept {} too few to say what works here.",
        numbers::count(total, "experiment"),
        grouped(facts.counts.keep),
        if total == 1 { "is" } else { "are" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_is_read_from_the_words_of_a_search() {
        let read = |text: &str| Move::of(text).map(|m| (m.knob, m.up));
        assert_eq!(
            read("raise LEARNING_RATE from 0.003 to 0.006"),
            Some(("LEARNING_RATE".to_owned(), true))
        );
        assert_eq!(read("Halve the batch size"), Some(("batch size".to_owned(), false)));
        assert_eq!(read("swap ReLU for GELU"), None);
        assert_eq!(read("raise"), None);
    }
}
