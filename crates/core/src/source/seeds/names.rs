//! What names say: whether one is a seed, and whether it speaks of data.

/// What is no seed although it is called so: a number of them, a switch.
const NO_SEED: [&str; 14] = [
    "n", "num", "max", "min", "per", "use", "has", "is", "with", "no", "log", "print", "every",
    "count",
];

/// Words of what decides on which data a result is measured.
const DATA: [&str; 22] = [
    "data",
    "dataset",
    "datasets",
    "split",
    "splits",
    "splitter",
    "fold",
    "folds",
    "cv",
    "holdout",
    "val",
    "valid",
    "validate",
    "validation",
    "test",
    "tests",
    "eval",
    "evals",
    "evaluate",
    "evaluation",
    "benchmark",
    "partition",
];

/// Generators of toy data, after `make_`.
const GENERATORS: [&str; 16] = [
    "classification",
    "regression",
    "blobs",
    "moons",
    "circles",
    "gaussian",
    "hastie",
    "low",
    "friedman1",
    "friedman2",
    "friedman3",
    "s",
    "swiss",
    "sparse",
    "spd",
    "multilabel",
];

/// `rngSeed`, `RNG_SEED` and `rng-seed` as `rng`, `seed`; numbers at the end of
/// a word are left off.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before: Option<char> = None;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let next_is_lower = chars.peek().is_some_and(|next| next.is_lowercase());
        let begins = c.is_uppercase()
            && before.is_some_and(|b| b.is_lowercase() || b.is_uppercase() && next_is_lower);
        if begins || !c.is_alphanumeric() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    words.push(word);
    let bare = |word: String| match word.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "" | "friedman" => word,
        bare => bare.to_owned(),
    };
    words.into_iter().filter(|word| !word.is_empty()).map(bare).collect()
}

/// Whether a setting of this name is a seed: `SEED`, `random_state`, `--seed`.
pub(super) fn is_seed(name: &str) -> bool {
    let words = words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let is_named = matches!(
        words.as_slice(),
        [.., "seed"] | [.., "seed", "value" | "val" | "number"] | [.., "random", "state"]
    );
    is_named && !words.iter().any(|word| NO_SEED.contains(word))
}

/// Whether the first argument of what is called so is a seed; `full` is as
/// written, `np.random.seed`.
pub(super) fn seeds(full: &str) -> bool {
    const EXACT: [&str; 12] = [
        "manual_seed",
        "manual_seed_all",
        "seed",
        "RandomState",
        "default_rng",
        "PRNGKey",
        "SeedSequence",
        "PCG64",
        "MT19937",
        "Philox",
        "SFC64",
        "Rngs",
    ];
    let last = last(full);
    if EXACT.contains(&last) {
        return true;
    }
    match last {
        // Of Python and of JAX; others of these names seed nothing.
        "Random" => matches!(full, "Random" | "random.Random"),
        "key" => full.ends_with("random.key") || full.ends_with("jr.key"),
        _ => {
            let words = words(last);
            let first = words.first().map_or("", String::as_str);
            matches!(first, "set" | "seed" | "fix" | "setup" | "init" | "reset" | "same")
                && words.iter().any(|word| word == "seed" || word == "seeds")
                && !words.iter().any(|word| DATA.contains(&word.as_str()))
        }
    }
}

/// Whether a variable or a function of this name decides on data.
pub(super) fn is_of_data(name: &str) -> bool {
    words(name).iter().any(|word| DATA.contains(&word.as_str()))
}

/// Whether a line of another language speaks of dividing data.
pub(super) fn splits_data(line: &str) -> bool {
    const WORDS: [&str; 6] = ["dataset", "datasets", "split", "fold", "folds", "partition"];
    words(line).iter().any(|word| WORDS.contains(&word.as_str()))
}

/// Whether what happens in a function of this name decides on data; what
/// trains, too, is more than that.
pub(super) fn prepares_data(function: &str) -> bool {
    let words = words(function);
    let has = |any: &[&str]| words.iter().any(|word| any.contains(&word.as_str()));
    (has(&DATA) || has(&["load", "fetch"])) && !has(&["train", "fit", "model", "weights"])
}

/// Whether the arguments of what is called so decide on data.
pub(super) fn takes_data(full: &str) -> bool {
    let last = last(full);
    let words = words(last);
    let first = words.first().map_or("", String::as_str);
    let has = |word: &str| words.iter().any(|w| w == word);
    match last {
        // It takes the data as they are.
        "DataLoader" => false,
        // Of a data frame: the rows that are taken.
        "sample" => true,
        _ => {
            matches!(first, "load" | "fetch") && !has("model")
                || first == "make"
                    && words.get(1).is_some_and(|what| GENERATORS.contains(&what.as_str()))
                || ["split", "splits", "fold", "dataset", "datasets", "data", "partition"]
                    .into_iter()
                    .any(has)
        }
    }
}

/// `seed` of `np.random.seed`.
pub(super) fn last(full: &str) -> &str {
    full.rsplit('.').next().unwrap_or(full).trim()
}
