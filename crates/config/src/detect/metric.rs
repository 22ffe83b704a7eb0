//! Guessing the metric's name and direction from what a script prints. A guess
//! is only ever offered, never taken.

use autoresearch_core::metric::Direction;

const LOWER: &str = "loss bpb bpc perplexity ppl error err rmse mse mae wer cer nll fid latency ms \
    seconds time runtime duration regret cost bytes size violations";
const HIGHER: &str = "acc accuracy f1 auc score bleu rouge r2 reward recall precision map mrr ndcg iou \
    throughput coverage pass passed return dice mfu fps qps rps tps";
/// Words of numbers that scripts report beside their metric.
const BESIDE: &str = "train training step steps epoch epochs lr total num peak mem memory vram mfu elapsed \
    time";

/// The direction that the words of a metric's name suggest; the last word that
/// says something decides.
pub fn likely_direction(metric: &str) -> Option<Direction> {
    let words = words(metric);
    let is_rate = |pair: &[String]| {
        pair[0] == "per" && ["s", "sec", "second", "seconds"].contains(&pair[1].as_str())
    };
    if words.windows(2).any(is_rate) {
        return Some(Direction::Maximize);
    }
    words.iter().rev().find_map(|word| {
        if is_among(LOWER, word) {
            Some(Direction::Minimize)
        } else if is_among(HIGHER, word) {
            Some(Direction::Maximize)
        } else {
            None
        }
    })
}

fn is_among(list: &str, word: &str) -> bool {
    list.split(' ').any(|other| other == word)
}

fn words(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_lowercase).collect()
}

/// The name that is printed as `name: <value>` and sounds most like a metric of
/// quality on data that was not trained on; of equals the last.
pub(super) fn printed_metric(texts: &[String]) -> Option<String> {
    let names = texts.iter().flat_map(|text| text.lines()).flat_map(printed_names);
    let liking = |name: &String| {
        let words = words(name);
        let held_out = ["val", "valid", "validation", "test", "eval", "dev"];
        if likely_direction(name).is_none() || words.iter().any(|word| is_among(BESIDE, word)) {
            return None;
        }
        Some(words.iter().any(|word| held_out.contains(&word.as_str())))
    };
    names
        .filter_map(|name| Some((liking(&name)?, name)))
        .max_by_key(|(liking, _)| *liking)
        .map(|(_, name)| name)
}

/// Names before `:` or `=` with a value to be filled in behind them, in a line
/// that prints: `print(f"val_bpb: {x}")`, `echo "ms=$x"`, `print("acc:", x)`.
fn printed_names(line: &str) -> Vec<String> {
    if !["print", "echo", "log", "write"].iter().any(|word| line.contains(word)) {
        return Vec::new();
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_@/.-".contains(c);
    line.match_indices([':', '='])
        .filter(|(at, _)| line[at + 1..].trim_start().starts_with(['{', '%', '$', '"', '\'']))
        .filter_map(|(at, _)| {
            let before = line[..at].trim_end();
            let start = before
                .rfind(|c| !is_part(c))
                .map_or(0, |i| i + before[i..].chars().next().map_or(1, char::len_utf8));
            let name = &before[start..];
            // Only what is text: behind a quote.
            let is_text = before[..start].contains(['"', '\'']);
            (is_text && name.starts_with(|c: char| c.is_ascii_alphabetic()))
                .then(|| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_printed_as_text_is_a_name() {
        let metric = |text: &str| printed_metric(&[text.to_owned()]);
        assert_eq!(metric("log_loss = {\"a\": 1}"), None);
        assert_eq!(metric("val_loss = 'print'"), None);
        assert_eq!(metric("print(f'METRIC val_loss={x:.3f}')").as_deref(), Some("val_loss"));
        assert_eq!(metric("echo \"bench_ms: $ms\"").as_deref(), Some("bench_ms"));
        assert_eq!(
            metric("print(f'loss: {a} | val_acc: {b}')\nprint('train_loss:', c)").as_deref(),
            Some("val_acc")
        );
    }

    #[test]
    fn the_direction_follows_from_the_words_of_the_name() {
        for (name, direction) in [
            ("val_bpb", Some(Direction::Minimize)),
            ("error_rate", Some(Direction::Minimize)),
            ("pass_rate", Some(Direction::Maximize)),
            ("Recall@10", Some(Direction::Maximize)),
            ("tokens_per_second", Some(Direction::Maximize)),
            ("bench_ms", Some(Direction::Minimize)),
            ("foo", None),
        ] {
            assert_eq!(likely_direction(name), direction, "{name}");
        }
    }
}
