//! The first lines of an attack: what it does, and what each level makes of it.

use std::fmt;
use std::fs;
use std::path::Path;

/// How a level of protection is called in a header and in `run.protection`.
pub(crate) const LEVELS: [&str; 3] = ["sandboxed", "restricted", "unprotected"];

/// What an attack came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It had no effect, and its run counted as any other.
    Stopped,
    /// It had no effect that lasts, and its run is a crash of this kind, or its
    /// proposal was refused.
    Detected(String),
    /// It had these effects.
    Works(Vec<String>),
}

impl Outcome {
    fn parse(text: &str) -> Option<Outcome> {
        let (word, detail) = text.split_once(' ').unwrap_or((text, ""));
        let detail = detail.trim().trim_start_matches('(').trim_end_matches(')');
        let effects = || detail.split(", ").map(str::to_owned).collect();
        match (word, detail.is_empty()) {
            ("stopped", true) => Some(Outcome::Stopped),
            ("detected", false) => Some(Outcome::Detected(detail.to_owned())),
            ("works", false) => Some(Outcome::Works(effects())),
            _ => None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Stopped => f.write_str("stopped"),
            Outcome::Detected(kind) => write!(f, "detected ({kind})"),
            Outcome::Works(effects) => write!(f, "works ({})", effects.join(", ")),
        }
    }
}

/// One file of `targets/` or `proposers/`.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "lines of a header that are there or not")]
pub(crate) struct Attack {
    /// As `targets/truncates_the_evaluator`.
    pub(crate) name: String,
    pub(crate) source: String,
    /// What it aims at, as `evaluator`.
    pub(crate) group: String,
    pub(crate) is_proposer: bool,
    /// Whether a second command scores, in a checkout of its own.
    pub(crate) is_sealed: bool,
    /// Whether the second experiment is the attack again, not an honest one.
    pub(crate) comes_again: bool,
    /// Seconds that a run has.
    pub(crate) budget: u32,
    /// Whether it runs in a virtual environment, which it attacks.
    pub(crate) has_venv: bool,
    /// More configuration, as `run.memory=256MiB`.
    pub(crate) settings: Vec<String>,
    /// By level, in their order.
    expected: Vec<(String, Outcome)>,
}

impl Attack {
    /// Reads a file; what is wrong with its header, if anything is.
    pub(crate) fn read(path: &Path) -> Result<Attack, String> {
        let source = fs::read_to_string(path).map_err(|e| e.to_string())?;
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
        let folder = folder.to_string_lossy().into_owned();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut attack = Attack {
            name: format!("{folder}/{stem}"),
            is_proposer: folder == "proposers",
            group: String::new(),
            is_sealed: false,
            comes_again: false,
            budget: 20,
            has_venv: false,
            settings: Vec::new(),
            expected: Vec::new(),
            source: String::new(),
        };
        let mut words = Vec::new();
        for line in source.lines().map_while(|line| line.strip_prefix("# ")) {
            let (key, value) = line.split_once(": ").ok_or_else(|| format!("no `: `: {line}"))?;
            words.push(key.to_owned());
            match (key, value) {
                ("group", group) => group.clone_into(&mut attack.group),
                ("attack", _) | ("scoring", "printed") => {}
                ("scoring", "sealed") => attack.is_sealed = true,
                ("then", "again") => attack.comes_again = true,
                ("python", "venv") => attack.has_venv = true,
                ("budget", seconds) => {
                    attack.budget = seconds.parse().map_err(|e| format!("{line}: {e}"))?;
                }
                ("set", setting) => attack.settings.push(setting.to_owned()),
                (level, outcome) if LEVELS.contains(&level) => {
                    let outcome = Outcome::parse(outcome).ok_or_else(|| line.to_owned())?;
                    attack.expected.push((level.to_owned(), outcome));
                }
                _ => return Err(format!("unknown line: {line}")),
            }
        }
        let has = |key: &str| words.iter().filter(|word| *word == key).count() == 1;
        for key in ["attack", "group"].iter().chain(&LEVELS) {
            if !has(key) {
                return Err(format!("give it one line `# {key}: ...`"));
            }
        }
        attack.source = source;
        Ok(attack)
    }

    /// What its header says of a level.
    pub(crate) fn expected(&self, level: &str) -> &Outcome {
        let found = self.expected.iter().find(|(name, _)| name == level);
        &found.unwrap_or_else(|| panic!("{} names every level", self.name)).1
    }
}
