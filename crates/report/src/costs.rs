//! What proposals cost, and what came of it.

use std::fmt::Write as _;
use std::time::Duration;

use autoresearch_core::portfolio::Tally;
use autoresearch_core::spent::{Spent, dollars};
use autoresearch_core::units::human_duration;

use crate::numbers::grouped;
use crate::words::markdown;

/// Seconds of a proposer's time that alone are worth telling.
const WORTH_TELLING: f64 = 60.0;

/// Every proposer with what it did, by name.
pub type Proposers = Vec<(String, Tally)>;

/// `$1.24, 310,000 tokens, 12m of proposers' time`; `None` where it cost
/// nothing worth telling.
pub fn spent_words(spent: &Spent) -> Option<String> {
    let mut parts = Vec::new();
    if spent.dollars > 0.0 {
        parts.push(dollars(spent.dollars));
    }
    if spent.tokens() > 0 {
        parts.push(format!("{} tokens", grouped(spent.tokens())));
    }
    if parts.is_empty() && spent.seconds < WORTH_TELLING {
        return None;
    }
    parts.push(format!("{} of proposers' time", time(spent.seconds)));
    Some(parts.join(", "))
}

/// What all of them cost together.
pub(crate) fn spent(proposers: &Proposers) -> Spent {
    proposers.iter().map(|(_, tally)| tally.spent).sum()
}

/// A table of who proposed what, where there is more to it than one that costs
/// nothing.
pub(crate) fn section(text: &mut String, proposers: &Proposers, change: &dyn Fn(f64) -> String) {
    let all = spent(proposers);
    if proposers.len() < 2 && spent_words(&all).is_none() {
        return;
    }
    text.push_str("## Who proposed\n\n");
    text.push_str(
        "| proposer | experiments | kept | gain | cost | tokens | its time | cost of a keep |\n",
    );
    text.push_str("|---|---:|---:|---:|---:|---:|---:|---:|\n");
    for (name, Tally { experiments, keeps, gain, spent, .. }) in proposers {
        let each = spent.dollars / (*keeps).max(1) as f64;
        let _ = writeln!(
            text,
            "| {} | {experiments} | {keeps} | {} | {} | {} | {} | {} |",
            markdown(name),
            if *keeps > 0 { change(*gain) } else { "–".to_owned() },
            some(spent.dollars, dollars),
            if spent.tokens() > 0 { grouped(spent.tokens()) } else { "–".to_owned() },
            time(spent.seconds),
            if *keeps > 0 { some(each, dollars) } else { "–".to_owned() },
        );
    }
    text.push_str(
        "\nGains are corrected for luck; refused and failed proposals are paid for, too.\n\n",
    );
}

fn some(value: f64, words: fn(f64) -> String) -> String {
    if value > 0.0 { words(value) } else { "–".to_owned() }
}

fn time(seconds: f64) -> String {
    human_duration(Duration::try_from_secs_f64(seconds.round()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(keeps: u64, dollars: f64) -> Tally {
        let spent = Spent {
            seconds: 61.4,
            dollars,
            input_tokens: 12_000,
            cached_tokens: 9_000,
            output_tokens: 345,
        };
        Tally { experiments: 10, keeps, gain: 0.02, run_seconds: 3000.0, spent }
    }

    #[test]
    fn a_search_that_costs_nothing_is_not_told_of() {
        let free = Tally { spent: Spent { seconds: 3.0, ..Spent::default() }, ..tally(3, 0.0) };
        let mut text = String::new();
        section(&mut text, &vec![("search".into(), free)], &|gain| gain.to_string());
        assert!(text.is_empty() && spent_words(&free.spent).is_none());
        // An agent that tells no costs takes its time all the same.
        let silent = Spent { seconds: 600.0, ..Spent::default() };
        assert_eq!(spent_words(&silent).as_deref(), Some("10m of proposers' time"));
    }

    #[test]
    fn money_and_what_it_brought_stand_side_by_side() {
        let mut text = String::new();
        let proposers = vec![("claude".into(), tally(2, 1.5)), ("search".into(), tally(0, 0.0))];
        section(&mut text, &proposers, &|gain| format!("-{gain}"));
        assert!(
            text.contains("| claude | 10 | 2 | -0.02 | $1.50 | 12,345 | 1m 1s | $0.75 |"),
            "{text}"
        );
        assert!(text.contains("| search | 10 | 0 | – | – | 12,345 | 1m 1s | – |"), "{text}");
        let words = spent_words(&spent(&proposers)).unwrap();
        assert_eq!(words, "$1.50, 24,690 tokens, 2m 3s of proposers' time");
    }
}
