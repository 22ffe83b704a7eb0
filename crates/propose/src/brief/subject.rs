//! What a hypothesis is about, in a few words that do not depend on how it was put:
//! what groups failures that tried the same.

/// Words that say what is done, or nothing.
const EMPTY: &[&str] = &[
    "a",
    "add",
    "adjust",
    "an",
    "and",
    "another",
    "apply",
    "as",
    "at",
    "be",
    "better",
    "bigger",
    "bit",
    "by",
    "change",
    "cut",
    "decrease",
    "different",
    "disable",
    "double",
    "down",
    "drop",
    "each",
    "enable",
    "experiment",
    "fewer",
    "for",
    "from",
    "further",
    "halve",
    "higher",
    "improve",
    "in",
    "increase",
    "instead",
    "into",
    "it",
    "its",
    "larger",
    "less",
    "little",
    "lower",
    "make",
    "model",
    "more",
    "move",
    "much",
    "new",
    "of",
    "off",
    "on",
    "only",
    "or",
    "per",
    "put",
    "raise",
    "re",
    "reduce",
    "remove",
    "replace",
    "set",
    "should",
    "slightly",
    "smaller",
    "some",
    "steps",
    "swap",
    "switch",
    "than",
    "that",
    "the",
    "then",
    "this",
    "to",
    "together",
    "train",
    "training",
    "triple",
    "try",
    "tune",
    "turn",
    "up",
    "use",
    "using",
    "value",
    "very",
    "via",
    "want",
    "we",
    "will",
    "with",
];

/// Words that mean the same, in the form that counts.
const SAME: &[(&str, &str)] = &[
    ("learning rate", "lr"),
    ("weight decay", "wd"),
    ("warm up", "warmup"),
    ("gradient", "grad"),
    ("clipping", "clip"),
    ("normalization", "norm"),
    ("normalisation", "norm"),
    ("activation function", "activation"),
    ("optimiser", "optimizer"),
    ("n layer", "depth"),
    ("num layer", "depth"),
    ("layer", "depth"),
    ("n head", "head"),
    ("num head", "head"),
];

/// Words that a subject has at most.
const WORDS: usize = 3;

/// What `hypothesis` is about: `lr` for "raise `LEARNING_RATE` from 0.1 to 0.2" and for
/// "try a higher learning rate". Lower case; `anything` where no word says it.
pub fn subject(hypothesis: &str) -> String {
    // The reasons that follow are worded anew every time.
    let what = hypothesis.split([':', ';', '(', '—']).find(|part| !part.trim().is_empty());
    let lower = what.unwrap_or_default().to_lowercase();
    let is_number = |word: &&str| word.chars().next().is_some_and(|c| c.is_ascii_digit());
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !is_number(word))
        .map(singular)
        .collect();
    let mut text = format!(" {} ", words.join(" "));
    for (from, to) in SAME {
        text = text.replace(&format!(" {from} "), &format!(" {to} "));
    }
    let mut subject: Vec<&str> = Vec::new();
    for word in text.split_whitespace().filter(|word| !EMPTY.contains(word)) {
        if subject.len() < WORDS && !subject.contains(&word) {
            subject.push(word);
        }
    }
    if subject.is_empty() {
        "anything".to_owned()
    } else {
        super::text::one_line(&subject.join(" "), 60)
    }
}

/// `heads` as `head`; `loss` and `bias` as they are.
fn singular(word: &str) -> &str {
    let is_plural = word.len() > 3
        && !word.ends_with("ss")
        && !word.ends_with("us")
        && !word.ends_with("is")
        && !word.ends_with("as");
    word.strip_suffix('s').filter(|_| is_plural).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::subject;

    #[test]
    fn the_same_thing_in_other_words_is_one_subject() {
        for said in [
            "raise LEARNING_RATE from 0.003 to 0.006",
            "lower the learning rate to 1e-4",
            "Try a higher LR: the loss still falls at the end",
        ] {
            assert_eq!(subject(said), "lr", "{said}");
        }
        assert_eq!(subject("raise N_LAYERS from 2 to 4"), "depth");
        assert_eq!(subject("use 8 heads instead of 4"), "head");
        assert_eq!(
            subject("swap relu for gelu"),
            subject("Swap ReLU for GELU in 2 places").split(" place").next().unwrap()
        );
        assert_eq!(subject("42"), "anything");
        assert_eq!(subject(""), "anything");
    }

    #[test]
    fn a_subject_is_short_whatever_is_said() {
        assert!(subject(&"word".repeat(1000)).chars().count() <= 60);
        assert_eq!(subject("rotary embedding base frequency doubling").split(' ').count(), 3);
    }
}
