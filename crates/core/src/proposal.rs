//! What a proposer hands over: a hypothesis and the edit that tests it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The kinds of change of SPEC E3, for the direction of the search and the
/// grouping of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Depth, width, attention, activation, normalisation.
    Architecture,
    /// Learning rate and schedule, weight decay, optimizer, clipping.
    Optimizer,
    /// Batch, precision, dropout, data order.
    Training,
    /// Anything else.
    Other,
}

impl Category {
    /// All of them, as they are listed for people and models.
    pub const ALL: [Category; 4] =
        [Category::Architecture, Category::Optimizer, Category::Training, Category::Other];

    /// The category whose name a text begins with, in any case.
    pub fn named(text: &str) -> Option<Category> {
        let word = text.trim_start().split(|c: char| !c.is_alphanumeric()).next()?;
        Category::ALL.into_iter().find(|category| category.to_string().eq_ignore_ascii_case(word))
    }

    /// The category that the name of a setting, or a sentence, suggests.
    pub fn of(text: &str) -> Category {
        const WORDS: [(Category, &[&str]); 3] = [
            (
                Category::Optimizer,
                &[
                    "lr",
                    "learning",
                    "rate",
                    "momentum",
                    "decay",
                    "beta",
                    "beta1",
                    "beta2",
                    "optim",
                    "optimizer",
                    "adam",
                    "adamw",
                    "sgd",
                    "muon",
                    "lion",
                    "clip",
                    "clipping",
                    "schedule",
                    "warmup",
                    "warmdown",
                    "cosine",
                    "step",
                    "gradient",
                    "tol",
                    "eta",
                ],
            ),
            (
                Category::Training,
                &[
                    "batch",
                    "accumulation",
                    "dropout",
                    "precision",
                    "epoch",
                    "epochs",
                    "iter",
                    "shuffle",
                    "curriculum",
                    "seed",
                    "augment",
                    "smoothing",
                    "bf16",
                    "fp16",
                ],
            ),
            (
                Category::Architecture,
                &[
                    "layer",
                    "layers",
                    "depth",
                    "width",
                    "head",
                    "heads",
                    "hidden",
                    "dim",
                    "embed",
                    "embedding",
                    "attention",
                    "activation",
                    "relu",
                    "gelu",
                    "silu",
                    "tanh",
                    "norm",
                    "mlp",
                    "residual",
                    "context",
                    "window",
                    "order",
                    "init",
                    "components",
                    "units",
                ],
            ),
        ];
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
        WORDS
            .iter()
            .map(|(category, keys)| (*category, words.iter().filter(|w| keys.contains(w)).count()))
            .rev()
            .max_by_key(|(_, hits)| *hits)
            .filter(|(_, hits)| *hits > 0)
            .map_or(Category::Other, |(category, _)| category)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Category::Architecture => "architecture",
            Category::Optimizer => "optimizer",
            Category::Training => "training",
            Category::Other => "other",
        })
    }
}

/// What may be changed in the targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Architecture only; told to the proposer, not checkable by syntax.
    Architecture,
    /// Literal values only; enforced on the syntax tree.
    Hyperparameters,
    /// Optimizer only; told to the proposer, not checkable by syntax.
    Optimizer,
    /// Anything in the targets.
    #[default]
    All,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scope::Architecture => "architecture",
            Scope::Hyperparameters => "hyperparameters",
            Scope::Optimizer => "optimizer",
            Scope::All => "all",
        })
    }
}

/// A value that a search can set: what a literal in the target may hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// `True` or `False`.
    Bool(bool),
    /// An integer literal.
    Int(i64),
    /// A float literal.
    Float(f64),
    /// A string literal or the name of a construct.
    Text(String),
}

/// Named settings of the whole target after a change: what a search learns
/// from. Keys are the knobs' names, as `LEARNING_RATE` or `Adam(lr)`.
pub type Settings = BTreeMap<String, Value>;

/// New contents of one target; `None` deletes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEdit {
    /// Path from the root of the repository, with `/`.
    pub path: String,
    /// The bytes as git stores them.
    pub content: Option<Vec<u8>>,
}

/// The change that a proposal makes to the incumbent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// These files get these contents.
    Files(Vec<FileEdit>),
    /// A patch in git's or `diff -u`'s form.
    Patch(String),
    /// Whatever the desk differs by from the incumbent.
    Desk,
}

/// A hypothesis with the edit that tests it, before the guard has seen it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// One sentence, also the subject of the commit.
    pub hypothesis: String,
    /// What sort of change it is.
    pub category: Category,
    /// The change.
    pub edit: Edit,
    /// Set by a search, which learns from it.
    pub settings: Option<Settings>,
    /// What it is expected to do to the metric, in the proposer's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
}

/// Identity of a candidate's normalised targets: two candidates with the same
/// fingerprint are the same program. The first 128 bits of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub u128);

impl Fingerprint {
    /// Of the normalised contents of all targets; order does not matter.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Fingerprint {
        let mut files: Vec<_> = files.into_iter().collect();
        files.sort_unstable();
        let mut hash = Sha256::new();
        for (path, normalised) in files {
            for part in [path, normalised] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part.as_bytes());
            }
        }
        let digest = hash.finalize();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        Fingerprint(u128::from_be_bytes(first))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0))
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Fingerprint).map_err(serde::de::Error::custom)
    }
}

/// Why the guard sent a proposal back. It costs no iteration, and the reason
/// is what the proposer is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Nothing changed.
    #[error("the edit changes nothing")]
    Empty,
    /// The same program ran before.
    #[error("the same change was tried in experiment {of}")]
    Duplicate {
        /// Number of the experiment that tried it.
        of: u64,
    },
    /// A file that is no target was changed.
    #[error("`{path}` is {}not a target; only the targets may be changed", kind_in_words(path))]
    Protected {
        /// The offending path.
        path: String,
    },
    /// The change is outside the scope of the session.
    #[error("the scope is `{scope}`, but {what}")]
    OutOfScope {
        /// The scope.
        scope: Scope,
        /// What lies outside it.
        what: String,
    },
    /// Nothing but seeds was changed.
    #[error("nothing but a seed changes ({what}): that changes luck, not the program")]
    OnlySeeds {
        /// Which, as `` `SEED = 42` became `SEED = 43` ``.
        what: String,
    },
    /// It makes several changes that have nothing to do with one another (SPEC E2).
    #[error("it makes {} changes that have nothing to do with one another: {}; propose one of them, and the others later", parts.len(), parts.join("; "))]
    Bundle {
        /// What to propose apart, as `` `LR` ``.
        parts: Vec<String>,
    },
    /// The edit is no ordinary file with sane contents.
    #[error("{what}")]
    Unacceptable {
        /// What is wrong with it.
        what: String,
    },
    /// A queued patch does not apply to the incumbent.
    #[error("the patch does not apply to the incumbent: {why}")]
    DoesNotApply {
        /// What git said.
        why: String,
    },
}

/// `a lock file and ` for one that is protected by its name.
fn kind_in_words(path: &str) -> String {
    crate::protected::kind_of(path).map_or_else(String::new, |kind| format!("{kind} and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_named_by_the_first_word() {
        for category in Category::ALL {
            assert_eq!(Category::named(&category.to_string()), Some(category));
        }
        assert_eq!(Category::named(" Optimizer, as it is slow"), Some(Category::Optimizer));
        for text in ["", "otherwise", "an optimizer", "."] {
            assert_eq!(Category::named(text), None, "{text}");
        }
    }

    #[test]
    fn the_category_follows_from_the_words() {
        assert_eq!(Category::of("LEARNING_RATE"), Category::Optimizer);
        assert_eq!(Category::of("raise n_layers from 2 to 4"), Category::Architecture);
        assert_eq!(Category::of("batch_size"), Category::Training);
        assert_eq!(Category::of("colour of the shed"), Category::Other);
    }

    /// SPEC E11.
    #[test]
    fn a_refusal_names_the_kind_of_a_protected_file() {
        let said = |path: &str| Refusal::Protected { path: path.to_owned() }.to_string();
        assert!(said("uv.lock").starts_with("`uv.lock` is a lock file and not a target"));
        assert!(said("notes.md").starts_with("`notes.md` is not a target"));
    }

    #[test]
    fn a_fingerprint_does_not_depend_on_order_but_on_paths() {
        let one = Fingerprint::of([("a", "x"), ("b", "y")]);
        assert_eq!(one, Fingerprint::of([("b", "y"), ("a", "x")]));
        assert_ne!(one, Fingerprint::of([("a", "y"), ("b", "x")]));
        assert_ne!(Fingerprint::of([("a", "bc")]), Fingerprint::of([("ab", "c")]));
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Fingerprint>(&text).unwrap(), one);
    }
}
