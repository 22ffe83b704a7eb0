//! What did not work: discarded changes by category, attempts that differ only
//! in their numbers told together; crashes by kind.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use autoresearch_core::experiment::Verdict;
use autoresearch_core::proposal::Category;
use autoresearch_core::trial::CrashKind;

use super::{Facts, sentence};
use crate::history::Step;
use crate::numbers;
use crate::words::{self, markdown, one_line, truncated};
use autoresearch_core::experiment::Counts;

/// Groups of attempts that are listed for a category.
const GROUPS_SHOWN: usize = 6;
/// Crashes that are listed for a kind.
const CRASHES_SHOWN: usize = 4;
/// Numbers of experiments that are listed for a group.
const NUMBERS_SHOWN: usize = 5;

/// Attempts at the same thing with different numbers.
struct Group<'a> {
    first: &'a Step<'a>,
    numbers: Vec<u64>,
    count: u64,
    /// Whether they differ at all.
    varies: bool,
    /// Closest to the incumbent and furthest from it, both gains.
    closest: f64,
    furthest: f64,
}

pub(super) fn discarded_section(text: &mut String, facts: &Facts<'_>) {
    text.push_str("## What did not work\n\n");
    if facts.counts.discard == 0 {
        text.push_str("No change that ran was discarded.\n\n");
        return;
    }
    let mut categories: BTreeMap<Category, (Counts, HashMap<String, Group<'_>>)> = BTreeMap::new();
    for step in &facts.steps {
        let (counts, groups) = categories.entry(step.point.category).or_default();
        counts.add(step.point.verdict);
        // A held suspect is told of before all else.
        if step.point.verdict == Verdict::Discard && !step.point.is_suspect() {
            let group =
                groups.entry(without_numbers(&step.point.hypothesis)).or_insert_with(|| Group {
                    first: step,
                    numbers: Vec::new(),
                    count: 0,
                    varies: false,
                    closest: f64::NEG_INFINITY,
                    furthest: f64::INFINITY,
                });
            group.count += 1;
            group.varies |= group.first.point.hypothesis != step.point.hypothesis;
            if group.numbers.len() < NUMBERS_SHOWN {
                group.numbers.push(step.point.number);
            }
            if let Some(gain) = step.gain {
                group.closest = group.closest.max(gain);
                group.furthest = group.furthest.min(gain);
            }
        }
    }
    for (category, (counts, groups)) in categories {
        if groups.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "**{}** · {} tried: {} kept, {} discarded, {} crashed\n",
            capitalised(&category.to_string()),
            numbers::grouped(counts.total()),
            numbers::grouped(counts.keep),
            numbers::grouped(counts.discard),
            numbers::grouped(counts.crash),
        );
        let mut groups: Vec<Group<'_>> = groups.into_values().collect();
        groups.sort_by(|a, b| {
            (b.count.cmp(&a.count))
                .then(b.closest.total_cmp(&a.closest))
                .then(a.first.point.number.cmp(&b.first.point.number))
        });
        for group in groups.iter().take(GROUPS_SHOWN) {
            let _ = writeln!(
                text,
                "- {} ({}): {}",
                sentence(&group.first.point.hypothesis),
                attempts(group),
                why(group, facts)
            );
        }
        let rest: u64 = groups.iter().skip(GROUPS_SHOWN).map(|g| g.count).sum();
        if rest > 0 {
            let _ = writeln!(text, "- and {} of other kinds", numbers::count(rest, "attempt"));
        }
        text.push('\n');
    }
}

fn attempts(group: &Group<'_>) -> String {
    let numbers = words::numbers(&group.numbers, group.count, NUMBERS_SHOWN);
    if group.count == 1 {
        numbers
    } else {
        let how = if group.varies { " with different numbers" } else { "" };
        format!("{} times{how}: {numbers}", numbers::grouped(group.count))
    }
}

fn why(group: &Group<'_>, facts: &Facts<'_>) -> String {
    let recorded = group
        .first
        .point
        .reason
        .as_deref()
        .map(|r| markdown(&truncated(&one_line(r), super::SENTENCE)));
    if let Some(reason) =
        recorded.filter(|r| !r.is_empty() && (group.count == 1 || !group.closest.is_finite()))
    {
        return reason;
    }
    let size = |gain: f64| facts.precision.size(gain);
    let (closest, furthest) = (group.closest, group.furthest);
    if !closest.is_finite() {
        "discarded, no reason recorded".to_owned()
    } else if closest < 0.0 && size(closest) == size(furthest) {
        format!("worse by {}", size(closest))
    } else if closest < 0.0 {
        format!("worse by {} to {}", size(closest), size(furthest))
    } else if furthest < 0.0 {
        format!("at best {}, at worst {} worse", outcome(closest, facts), size(furthest))
    } else {
        outcome(closest, facts)
    }
}

fn outcome(gain: f64, facts: &Facts<'_>) -> String {
    if gain > 0.0 {
        format!("better by {}, yet not kept", facts.precision.size(gain))
    } else {
        "equal".to_owned()
    }
}

pub(super) fn crashed_section(text: &mut String, facts: &Facts<'_>) {
    text.push_str("## Crashes\n\n");
    if facts.counts.crash == 0 {
        text.push_str("None.\n\n");
        return;
    }
    let mut kinds: HashMap<Option<CrashKind>, (u64, Vec<&Step<'_>>)> = HashMap::new();
    for step in facts.steps.iter().filter(|s| s.point.verdict == Verdict::Crash) {
        let (count, shown) = kinds.entry(step.point.crash_kind).or_default();
        *count += 1;
        if shown.len() < CRASHES_SHOWN {
            shown.push(step);
        }
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, (count, shown))| {
        (std::cmp::Reverse(*count), shown.first().map(|s| s.point.number))
    });
    for (kind, (count, shown)) in kinds {
        let kind = kind.map_or_else(|| "Kind not recorded".to_owned(), |k| capitalised(name(k)));
        let _ = writeln!(text, "**{kind}** · {}\n", numbers::grouped(count));
        for step in &shown {
            let point = step.point;
            let _ = write!(text, "- #{} {}", point.number, sentence(&point.hypothesis));
            if let Some(reason) = point.reason.as_deref().filter(|r| !r.trim().is_empty()) {
                let _ = write!(text, ": {}", sentence(reason));
            }
            text.push('\n');
        }
        let rest = count - shown.len() as u64;
        if rest > 0 {
            let _ = writeln!(text, "- and {} more", numbers::grouped(rest));
        }
        text.push('\n');
    }
}

/// A crash kind in words of a sentence.
pub(super) fn name(kind: CrashKind) -> &'static str {
    match kind {
        CrashKind::Exit => "failed while running",
        CrashKind::Timeout => "still running at the deadline",
        CrashKind::Oom => "out of memory",
        CrashKind::Limit => "used more than they may",
        CrashKind::NoMetric => "no metric reported",
        CrashKind::NotFinite => "metric not a finite number",
        CrashKind::Tampered => "changed a protected file",
        CrashKind::Checks => "better, but its checks failed",
        CrashKind::Interrupted => "interrupted",
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// `raise LR from 0.003 to 6e-3` and `raise LR from 0.01 to 0.02` are attempts
/// at the same thing: every number becomes `#`. A digit inside a name stays.
fn without_numbers(text: &str) -> String {
    let line = one_line(text);
    let mut key = String::with_capacity(line.len());
    let mut before = ' ';
    let mut in_number = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let after_is_digit = chars.peek().is_some_and(char::is_ascii_digit);
        let goes_on = match c {
            '0'..='9' => in_number || !(before.is_alphabetic() || before == '_'),
            '.' | ',' | '_' => in_number && after_is_digit,
            'e' | 'E' => {
                in_number
                    && chars.peek().is_some_and(|n| n.is_ascii_digit() || matches!(n, '-' | '+'))
            }
            '-' | '+' => {
                (in_number && matches!(before, 'e' | 'E')) || (before == ' ' && after_is_digit)
            }
            _ => false,
        };
        if goes_on && !in_number {
            key.push('#');
        } else if !goes_on {
            key.extend(c.to_lowercase());
        }
        in_number = goes_on;
        before = c;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_that_differ_in_their_numbers_are_alike() {
        assert_eq!(without_numbers("raise LR from 0.003 to 6e-3"), "raise lr from # to #");
        assert_eq!(without_numbers("raise LR from 1,000 to -2.5E+7."), "raise lr from # to #.");
        assert_eq!(without_numbers("set beta2 to .95"), "set beta2 to .#");
        assert_eq!(without_numbers("use layer2_norm"), "use layer2_norm");
    }
}
