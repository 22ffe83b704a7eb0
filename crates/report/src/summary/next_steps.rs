//! Three to five next steps, by rules from the data. Each says which numbers it
//! follows from; where nothing follows, nothing is said.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use autoresearch_core::experiment::Verdict;
use autoresearch_core::proposal::Category;
use autoresearch_core::trial::CrashKind;

use super::{Facts, failures, sentence};
use crate::history::Step;
use crate::numbers::{self, grouped};
use crate::words::{self, markdown, one_line};

/// No more than this many steps are given.
const MOST: usize = 5;
/// Experiments below which a session is short.
const FEW: u64 = 20;

pub(super) fn section(text: &mut String, facts: &Facts<'_>) {
    text.push_str("## Next steps\n\n");
    // In the order of what a researcher would want to hear first.
    let rules: [fn(&Facts<'_>) -> Option<String>; 9] = [
        start,
        crashes,
        paying_direction,
        plateau,
        near_misses,
        confirm,
        untried_category,
        idle_budget,
        longer,
    ];
    let steps: Vec<String> = rules.iter().filter_map(|rule| rule(facts)).take(MOST).collect();
    for (i, step) in steps.iter().enumerate() {
        let _ = writeln!(text, "{}. {step}", i + 1);
    }
    if steps.is_empty() {
        text.push_str("Nothing follows from what has run.\n");
    }
}

/// Without a baseline nothing can be judged.
fn start(facts: &Facts<'_>) -> Option<String> {
    if facts.history.points.is_empty() {
        return Some("**Run the baseline.** Nothing has run, so nothing follows yet.".to_owned());
    }
    let crashed = facts.history.points.iter().find(|p| p.is_baseline() && p.value().is_none())?;
    let reason = crashed.reason.as_deref().map_or_else(String::new, |r| format!(" ({})", sentence(r)));
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
    let (kind, (count, shown)) = kinds.into_iter().max_by_key(|(_, (n, shown))| (*n, std::cmp::Reverse(shown.clone())))?;
    let total = facts.counts.total();
    if count < 3 && (count * 5 < total || count < 2) || count * 10 < total {
        return None;
    }
    let which = format!("{} of {} ({})", grouped(count), grouped(total), words::numbers(&shown, count, 4));
    Some(match kind {
        Some(CrashKind::Oom) => {
            let most = facts.steps.iter().filter(|s| s.point.value().is_some()).filter_map(|s| s.point.memory).max();
            let ran = most.map_or_else(String::new, |m| format!("; the largest that ran used {m}"));
            format!("**Stay within memory.** {which} ran out of it{ran}. Pair what needs more with a smaller batch.")
        }
        Some(CrashKind::Timeout) => {
            let budget = facts.history.session.budget_seconds.and_then(numbers::seconds);
            let budget = budget.map_or_else(String::new, |b| format!(" of {b}"));
            format!("**Raise the budget or ask for cheaper changes.** {which} were still running at the deadline{budget}.")
        }
        Some(CrashKind::NoMetric | CrashKind::NotFinite) => format!(
            "**Ask for gentler changes.** {which} ended without a finite {}, which is how diverging runs look.",
            words::markdown_code(&facts.history.session.metric)
        ),
        Some(CrashKind::Tampered) => {
            format!("**Tell the proposer what is protected.** {which} changed a protected file.")
        }
        Some(kind @ (CrashKind::Exit | CrashKind::Interrupted)) => format!(
            "**Look at what crashed.** {which}: {}; each cost an experiment and taught nothing about the metric.",
            failures::name(kind)
        ),
        None => format!("**Look at what crashed.** {which}, for reasons that the ledger does not record."),
    })
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
        const UP: [&str; 8] = ["raise", "increase", "double", "enlarge", "grow", "widen", "deepen", "lengthen"];
        const DOWN: [&str; 7] = ["lower", "decrease", "reduce", "halve", "shrink", "shorten", "narrow"];
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
    let mut moves: BTreeMap<Move, Record> = BTreeMap::new();
    for step in &facts.steps {
        let Some(moved) = Move::of(&step.point.hypothesis) else { continue };
        if step.point.is_gain() {
            let record = moves.entry(moved).or_insert(Record { kept: Vec::new(), gain: 0.0, refused_since: 0 });
            record.kept.push(step.point.number);
            record.gain += step.gain.unwrap_or(0.0);
            record.refused_since = 0;
        } else if let Some(record) = moves.get_mut(&moved) {
            record.refused_since += 1;
        }
    }
    let (moved, record) = moves
        .into_iter()
        .filter(|(_, r)| r.gain > 0.0 && (r.kept.len() > 1 || r.refused_since == 0))
        .max_by(|(_, a), (_, b)| a.kept.len().min(3).cmp(&b.kept.len().min(3)).then(a.gain.total_cmp(&b.gain)))?;
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
            "**Go on {verb} {knob}.** It was kept {n} times ({which}; {brought}) and has not failed since."
        ),
        (n, refused) => format!(
            "**Look more finely at {knob}.** {} it was kept {n} times ({which}; {brought}), then refused {}: \
             the optimum is likely between the last two values.",
            if moved.up { "Raising" } else { "Lowering" },
            if refused == 1 { "once".to_owned() } else { format!("{refused} times") },
        ),
    })
}

/// Nothing was kept for long.
fn plateau(facts: &Facts<'_>) -> Option<String> {
    let total = facts.steps.len();
    let since = facts.steps.iter().rev().take_while(|s| !s.point.is_gain()).count();
    if since < 10 || since * 3 < total {
        return None;
    }
    let last = match facts.steps.get((total - since).checked_sub(1)?) {
        Some(step) => format!("since #{}", step.point.number),
        None => "at all".to_owned(),
    };
    Some(format!(
        "**Make bigger changes.** The last {} brought nothing that was kept {last}: what lies near the best is likely \
         exhausted.",
        numbers::count(since as u64, "experiment")
    ))
}

/// Two discarded changes that missed by less than what is usually gained.
fn near_misses(facts: &Facts<'_>) -> Option<String> {
    let mut gains: Vec<f64> = facts.kept.iter().filter_map(|s| s.gain).filter(|g| *g > 0.0).collect();
    if gains.is_empty() {
        return None;
    }
    let middle = gains.len() / 2;
    let typical = *gains.select_nth_unstable_by(middle, f64::total_cmp).1;
    let mut nearest: Vec<(&Step<'_>, f64)> = Vec::new();
    for step in facts.steps.iter().filter(|s| s.point.verdict == Verdict::Discard) {
        let Some(gain) = step.gain.filter(|g| *g < 0.0 && -g < typical / 2.0) else { continue };
        if nearest.len() == 2 && gain <= nearest[1].1 {
            continue;
        }
        let moved = Move::of(&step.point.hypothesis);
        // The same knob twice is no combination.
        let same = |other: &&Step<'_>| {
            other.point.hypothesis == step.point.hypothesis
                || moved.is_some() && Move::of(&other.point.hypothesis).map(|m| m.knob) == moved.as_ref().map(|m| m.knob.clone())
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
    let [(a, miss_a), (b, miss_b)] = nearest.as_slice() else { return None };
    Some(format!(
        "**Try #{} and #{} together.** “{}” and “{}” missed by {} and {}, less than half of what a kept change \
         typically brought ({}).",
        a.point.number,
        b.point.number,
        sentence(&a.point.hypothesis),
        sentence(&b.point.hypothesis),
        facts.precision.size(*miss_a),
        facts.precision.size(*miss_b),
        facts.precision.size(typical),
    ))
}

/// Kept gains were decided on single runs.
fn confirm(facts: &Facts<'_>) -> Option<String> {
    let best = facts.best.as_ref().filter(|b| b.number > 0)?;
    let gains: Vec<f64> = facts.kept.iter().filter_map(|s| s.gain).filter(|g| *g > 0.0).collect();
    let largest = gains.first()?;
    let small: Vec<&Step<'_>> =
        facts.kept.iter().filter(|s| s.gain.is_some_and(|g| g > 0.0 && g * 10.0 < *largest)).collect();
    let doubt = if small.is_empty() {
        "whether the gain is larger than the noise is not known".to_owned()
    } else {
        let which: Vec<u64> = small.iter().rev().map(|s| s.point.number).take(3).collect();
        format!(
            "{} ({}) brought less than a tenth of the largest gain and may be noise; leave each out once and see",
            numbers::count(small.len() as u64, "kept change"),
            words::numbers(&which, small.len() as u64, 3)
        )
    };
    Some(format!(
        "**Confirm before you believe.** Run the baseline and #{} several times with different seeds: each of the {} \
         was decided on one comparison, and {doubt}.",
        best.number,
        numbers::count(facts.counts.keep, "keep"),
    ))
}

/// A sort of change that was never or hardly tried.
fn untried_category(facts: &Facts<'_>) -> Option<String> {
    if facts.steps.len() < 5 {
        return None;
    }
    let mut tried: BTreeMap<Category, (u64, u64)> = BTreeMap::new();
    for category in [Category::Architecture, Category::Optimizer, Category::Training] {
        tried.insert(category, (0, 0));
    }
    for step in &facts.steps {
        let (tries, kept) = tried.entry(step.point.category).or_default();
        *tries += 1;
        *kept += u64::from(step.point.is_gain());
    }
    let (least, (tries, kept)) = tried.iter().filter(|(c, _)| **c != Category::Other).min_by_key(|(_, (n, _))| *n)?;
    if tries * 10 > facts.steps.len() as u64 {
        return None;
    }
    let others: Vec<String> = tried
        .iter()
        .filter(|(c, (n, _))| *c != least && *n > 0)
        .map(|(c, (n, _))| format!("{} {c}", grouped(*n)))
        .collect();
    let how = match tries {
        0 => format!("No experiment was about {least}"),
        _ => format!("Only {} about {least}, {kept} of them kept", numbers::count(*tries, "experiment")),
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

/// A short session says little.
fn longer(facts: &Facts<'_>) -> Option<String> {
    let total = facts.counts.total();
    if total >= FEW || facts.history.points.is_empty() {
        return None;
    }
    if total == 0 {
        facts.baseline?;
        return Some("**Start experimenting.** The baseline is measured; no change has been tried.".to_owned());
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
        assert_eq!(read("raise LEARNING_RATE from 0.003 to 0.006"), Some(("LEARNING_RATE".to_owned(), true)));
        assert_eq!(read("Halve the batch size"), Some(("batch size".to_owned(), false)));
        assert_eq!(read("swap ReLU for GELU"), None);
        assert_eq!(read("raise"), None);
    }
}
