//! What a name says about a setting. The lists are the words of the field as
//! training scripts use them.

/// The words of a name: `HiddenSize`, `hidden_size` and `--hidden-size` are
/// `hidden` and `size`; `beta1` is also `beta`.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut previous = ' ';
    for c in name.chars().chain([' ']) {
        let starts_word = !c.is_alphanumeric() || (c.is_uppercase() && previous.is_lowercase());
        if starts_word && !word.is_empty() {
            let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
            if stem.len() >= 3 && stem.len() < word.len() {
                words.push(stem.to_owned());
            }
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        previous = c;
    }
    words
}

/// Whether one of the words is in a list, which is words with spaces between.
pub(crate) fn has_any(words: &[String], list: &str) -> bool {
    list.split_whitespace().any(|listed| words.iter().any(|word| word == listed))
}

/// What sort of setting a name is, before its value has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Not to be searched: a seed, a path, a budget, a log interval.
    Never,
    /// Learning rate.
    LearningRate,
    /// When to stop improving.
    Tolerance,
    /// Weight decay.
    Decay,
    /// Other rates: regularisation, epsilons.
    Rate,
    /// What is left out at random, or smoothed away.
    Dropout,
    /// Between 0 and 1.
    Fraction,
    /// Between 0 and 1, and usually close to 1.
    NearOne,
    /// Attention heads.
    Heads,
    /// Widths, batches, lengths.
    Size,
    /// Layers, epochs, steps.
    Count,
    /// Side of a convolution's kernel.
    Kernel,
    /// Any scale: initialisation, clipping.
    Scale,
    /// A switch of the model or its training.
    Switch,
    /// No known word.
    Unknown,
}

const NEVER: &str = "\
    seed seeds checking path paths url uri dir folder file files filename title fmt format encoding \
    version verbose verbosity debug log logs logging logger print report progress figsize \
    fontsize color colour cmap plot fig dpi axis axes keepdim keepdims budget timeout \
    deadline test eval evals val valid validation holdout vocab vocabulary classes dataset \
    datasets input inputs output outputs image images img port host world local workers \
    worker jobs threads gpu gpus cuda cpu tpu mps ddp save saves checkpoint checkpoints \
    ckpt resume interval every freq frequency repeat repeats wandb tensorboard project \
    cache flops peak bytes mb gb startup sleep retries tokenizer bos eos pad ignore padding \
    stride dilation groups cv folds splits level indent lang backend memory compile profile \
    baseline target threshold channels metric metrics sample";

/// Words that only matter where nothing better is known of a name.
const NEVER_ALONE: &str = "\
    device data time start end index idx id offset best worst inf infinity name names label \
    labels count counter limit mode run dtype total current now step pos position length \
    num n train key code status error pi day hour year date samples line column row tag flag state";

const NEAR_ONE: &str = "momentum beta betas ema discount";
const DROPOUT: &str = "dropout drop smoothing";
const FRACTION: &str = "\
    ratio frac fraction prob probability subsample colsample rho quantile pct percent mixup \
    cutmix";
const DECAY: &str = "decay wd";
const RATE: &str = "\
    eps epsilon alpha eta reg regularization regularisation regularizer l1 l2 lambda lambd \
    lam gamma penalty ridge rate";
const SIZE: &str = "\
    size sizes hidden dim dims width embd embed embedding batch components units features \
    neurons filters rank mlp ff ffn inner seq sequence context window len leaves bins \
    estimators trees clusters codebook experts dmodel";
const COUNT: &str = "\
    layer layers depth blocks block epoch epochs iter iters iterations steps rounds stages \
    accumulation accum warmup cooldown warmdown patience neighbors neighbours degree order leaf \
    updates";
const SCALE: &str = "\
    std stddev sigma scale init temperature gain softcap cap clip norm slope margin factor \
    mult multiplier expansion base theta";
const SWITCH: &str = "\
    bias use enable nesterov amsgrad tie tied share shared prenorm residual skip shuffle \
    bootstrap whiten intercept elementwise affine stopping rotary rope learnable gated \
    augment flip qk norm decay clip ema bidirectional average";

/// Words that mean a setting of a model even in the middle of a function, where
/// a width or an order is mostly something else.
const STRONG: &str = "\
    leaf hidden batch embd embed embedding head heads layer layers epoch epochs iter iters \
    iterations steps warmup components estimators neurons filters mlp ffn experts depth \
    init std sigma softcap temperature gain clip nesterov bias accumulation";

/// Whether a name says enough where anything may stand.
pub(super) fn is_strong(name: &str, meaning: Meaning) -> bool {
    match meaning {
        Meaning::Size | Meaning::Count | Meaning::Scale | Meaning::Switch | Meaning::Heads => {
            has_any(&words(name), STRONG)
        }
        _ => true,
    }
}

/// What a name means; for a number also by whether it is whole.
pub(super) fn meaning(name: &str, whole: bool, switch: bool) -> Meaning {
    let words = words(name);
    let any = |list: &str| has_any(&words, list);
    let both = |one: &str, other: &str| any(one) && any(other);
    if any(NEVER) || both("random", "state") || (both("data", "size") && words.len() == 2) {
        return Meaning::Never;
    }
    if switch {
        return match () {
            () if any(SWITCH) => Meaning::Switch,
            () if any(NEVER_ALONE) => Meaning::Never,
            () => Meaning::Unknown,
        };
    }
    let exact = |names: &[&str]| names.contains(&name.trim_start_matches('-'));
    let counts = whole && (any(COUNT) || any(SIZE) || any("head heads"));
    let known = match () {
        () if any("kernel") && any("size") => Meaning::Kernel,
        () if !counts
            && (any("lr lrs") || both("learning", "rate") || (both("step", "size") && !whole)) =>
        {
            // `FINAL_LR_FRAC` is a fraction of a rate.
            if any(FRACTION) { Meaning::Fraction } else { Meaning::LearningRate }
        }
        () if whole && both("step", "size") => Meaning::Count,
        () if any(NEAR_ONE) && !counts => Meaning::NearOne,
        () if any(DROPOUT) && !counts => Meaning::Dropout,
        () if any(FRACTION) && !counts => Meaning::Fraction,
        () if any("tol tolerance") => Meaning::Tolerance,
        () if any(DECAY) && !counts => Meaning::Decay,
        () if exact(&["C"]) || (any(RATE) && !counts) => Meaning::Rate,
        () if whole && any("head heads") && !any("dim size") => Meaning::Heads,
        () if any("size sizes dim dims width embd batch") && whole => Meaning::Size,
        () if any(COUNT) && whole => Meaning::Count,
        () if any(SIZE) && whole => Meaning::Size,
        () if any(SCALE) => Meaning::Scale,
        () => Meaning::Unknown,
    };
    if known == Meaning::Unknown && any(NEVER_ALONE) { Meaning::Never } else { known }
}

/// Groups of names of which one can stand for another, with the words that a
/// setting must have, and who must be called where that matters.
const GROUPS: &[(&[&str], &str, &[&str])] = &[
    (&["activation"], "MLP", &["identity", "logistic", "tanh", "relu"]),
    (&["activation", "act", "nonlinearity"], "", &["relu", "gelu", "silu", "tanh"]),
    (&["solver"], "MLP", &["adam", "sgd", "lbfgs"]),
    (&["solver"], "Logistic", &["lbfgs", "newton-cg", "sag", "saga"]),
    (&["kernel"], "SV", &["rbf", "linear", "poly", "sigmoid"]),
    (&["criterion"], "Classifier", &["gini", "entropy", "log_loss"]),
    (&["weights"], "Neighbors", &["uniform", "distance"]),
    (&["optimizer", "optim", "opt"], "", &["adam", "adamw", "sgd"]),
    (&["schedule", "scheduler"], "", &["constant", "linear", "cosine"]),
    (&["rate"], "MLP", &["constant", "invscaling", "adaptive"]),
    (&["features"], "Forest", &["sqrt", "log2"]),
];

/// What else a string setting may hold; the current value must be one of the
/// group, so that it is known to be meant that way.
pub(super) fn alternatives(
    name: &str,
    callee: Option<&str>,
    current: &str,
) -> Option<&'static [&'static str]> {
    let words = words(name);
    GROUPS
        .iter()
        .find(|(keys, called, options)| {
            words.iter().any(|word| keys.contains(&word.as_str()))
                && (called.is_empty() || callee.is_some_and(|callee| callee.contains(called)))
                && options.contains(&current)
        })
        .map(|(_, _, options)| *options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_what_a_person_reads() {
        for (name, whole, expected) in [
            ("LEARNING_RATE", false, Meaning::LearningRate),
            ("MATRIX_LR", false, Meaning::LearningRate),
            ("lr_decay_iters", true, Meaning::Count),
            ("step_size", false, Meaning::LearningRate),
            ("step_size", true, Meaning::Count),
            ("weight_decay", false, Meaning::Decay),
            ("L2_reg", false, Meaning::Rate),
            ("dropout_rate", false, Meaning::Dropout),
            ("FINAL_LR_FRAC", false, Meaning::Fraction),
            ("beta1", false, Meaning::NearOne),
            ("n_head", true, Meaning::Heads),
            ("HEAD_DIM", true, Meaning::Size),
            ("block_size", true, Meaning::Size),
            ("DEVICE_BATCH_SIZE", true, Meaning::Size),
            ("n_layers", true, Meaning::Count),
            ("ASPECT_RATIO", true, Meaning::Fraction),
            ("C", true, Meaning::Rate),
            ("c", true, Meaning::Unknown),
            ("random_state", true, Meaning::Never),
            ("SEED", true, Meaning::Never),
            ("eval_iters", true, Meaning::Never),
            ("TIME_BUDGET", true, Meaning::Never),
            ("test_size", false, Meaning::Never),
            ("tol", true, Meaning::Tolerance),
            ("x0", false, Meaning::Unknown),
        ] {
            assert_eq!(meaning(name, whole, false), expected, "{name}");
        }
    }
}
