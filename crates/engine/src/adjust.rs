//! What is adjusted for the platform before a session begins (SPEC C2, C3).
//! The table is in `core`; here it meets the target, the configuration and the
//! user's environment. Nothing is silent: variables and facts are told and
//! recorded, edits are made only when `run.adjust` says so, as a commit of
//! their own before the baseline.

use std::collections::BTreeMap;
use std::time::Duration;

use autoresearch_config::Config;
use autoresearch_core::experiment::CommitId;
use autoresearch_core::platform::{Adjustment, Surroundings, adjustments, advice};
use autoresearch_core::proposal::FileEdit;
use autoresearch_core::session::{Adjusted, Plan};
use autoresearch_core::source::Language;
use autoresearch_propose::Text;
use autoresearch_propose::relief::divide_batch;
use autoresearch_repo::Repo;

use crate::clock;
use crate::error::EngineError;
use crate::guard::Targets;
use crate::places::Places;

/// Which device runs compute on, for a script to ask.
pub(crate) const DEVICE: &str = "AUTORESEARCH_DEVICE";

/// How long torch may take to be imported.
const PROBE: Duration = Duration::from_secs(20);

/// What a session would adjust.
#[derive(Clone, Debug, Default)]
pub(crate) struct Adjusting {
    /// The platform in one line.
    pub(crate) platform: String,
    /// What is set and told; its `edits` are those that `run.adjust` allows.
    pub(crate) adjusted: Adjusted,
    /// Edits that the platform calls for, as `DEVICE_BATCH_SIZE 128 -> 32`.
    pub(crate) edits: Vec<String>,
    files: Vec<FileEdit>,
    pub(crate) notes: Vec<String>,
}

/// Whether a target or what it imports from the repository uses torch, so that
/// it is worth asking the run command's Python.
pub(crate) fn uses_torch<'a>(files: impl IntoIterator<Item = (&'a String, &'a Vec<u8>)>) -> bool {
    files.into_iter().any(|(path, bytes)| {
        Language::of(path) == Language::Python && imports_torch(&String::from_utf8_lossy(bytes))
    })
}

/// The machine, and the run command's Python when the target uses torch.
pub(crate) fn surroundings(
    repo: &Repo,
    config: &Config,
    uses_torch: bool,
) -> (Surroundings, Option<String>) {
    let machine = autoresearch_run::platform::machine().clone();
    // Behind a wrapper there is another system, which cannot be asked from here.
    if !uses_torch || config.run.wrap.is_some() {
        return (Surroundings { machine, python: None }, None);
    }
    let run = &config.run;
    match autoresearch_run::platform::python(&run.command, repo.root(), &run.env, PROBE) {
        Ok(python) => (Surroundings { machine, python: Some(python) }, None),
        Err(error) => {
            let note = format!(
                "what torch sees is not known: {error}; the platform is taken to be {}",
                machine.device
            );
            (Surroundings { machine, python: None }, Some(note))
        }
    }
}

impl Adjusting {
    /// A session of which nothing is adjusted.
    pub(crate) fn nothing(platform: &str) -> Adjusting {
        Adjusting { platform: platform.to_owned(), ..Adjusting::default() }
    }

    /// What is adjusted for `targets`. `is_set` knows the user's environment.
    pub(crate) fn of(
        surroundings: &Surroundings,
        targets: &Targets,
        uses_torch: bool,
        config: &Config,
        is_set: &dyn Fn(&str) -> bool,
    ) -> Adjusting {
        let device = surroundings.device();
        let mut adjusting = Adjusting {
            platform: surroundings.describe(),
            adjusted: Adjusted { device, ..Adjusted::default() },
            notes: surroundings.warnings(),
            ..Adjusting::default()
        };
        let mut set = |name: &str, value: &str| {
            let is_new = !config.run.env.contains_key(name) && (name == DEVICE || !is_set(name));
            if is_new {
                adjusting.adjusted.environment.insert(name.to_owned(), value.to_owned());
            }
            is_new
        };
        set(DEVICE, device.name());
        if !uses_torch {
            // A broken GPU is no concern of a target that never asks for one.
            adjusting.notes.clear();
            return adjusting;
        }
        let texts: BTreeMap<&str, String> = targets
            .iter()
            .map(|(path, bytes)| (path.as_str(), String::from_utf8_lossy(bytes).into_owned()))
            .collect();
        let for_cuda = texts.values().any(|text| is_for_cuda(text));
        let mut edited = texts.clone();
        for adjustment in adjustments(surroundings, for_cuda) {
            match adjustment {
                Adjustment::Variable { name, value, why } => {
                    if set(&name, &value) {
                        adjusting
                            .notes
                            .push(format!("runs on {device} get {name}={value}, which {why}; `run.env` can say otherwise"));
                    }
                }
                Adjustment::Fact(fact) => adjusting.adjusted.facts.push(fact),
                Adjustment::DivideBatch(by) => {
                    let texts: Vec<Text> = edited
                        .iter()
                        .map(|(path, text)| Text { path: (*path).to_owned(), text: text.clone() })
                        .collect();
                    let Ok(relief) = divide_batch(&texts, config.run.batch.as_deref(), by) else {
                        continue;
                    };
                    for FileEdit { path, content } in relief.edits {
                        let text = content.and_then(|bytes| String::from_utf8(bytes).ok());
                        if let (Some(place), Some(text)) = (edited.get_mut(path.as_str()), text) {
                            *place = text;
                        }
                    }
                    adjusting.edits.push(relief.change);
                }
                Adjustment::Float32 => {
                    for text in edited.values_mut() {
                        let (replaced, edits) = float32(text);
                        *text = replaced;
                        adjusting.edits.extend(edits);
                    }
                }
            }
        }
        adjusting.files = edited
            .into_iter()
            .filter(|(path, text)| texts.get(path) != Some(text))
            .map(|(path, text)| FileEdit {
                path: path.to_owned(),
                content: Some(text.into_bytes()),
            })
            .collect();
        if for_cuda {
            adjusting.notes.extend(advice(device).map(str::to_owned));
        }
        if !adjusting.edits.is_empty() {
            let edits = adjusting.edits.join(", ");
            if config.run.adjust {
                adjusting.adjusted.edits.clone_from(&adjusting.edits);
                adjusting
                    .adjusted
                    .facts
                    .push(format!("the target was adjusted for {device}: {edits}"));
                adjusting.notes.push(format!(
                    "adjusted for {device} by a commit of its own, before the baseline: {edits}"
                ));
            } else {
                adjusting.notes.push(format!(
                    "the target was written for CUDA, and runs are on {device}: {edits} would suit; \
                     `--set run.adjust=true` makes it so, by a commit of its own before the baseline"
                ));
            }
        }
        adjusting
    }

    /// What the user is told.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What it would do before anything else, when edits are confirmed.
    pub(crate) fn intention(&self) -> Option<String> {
        (!self.adjusted.edits.is_empty()).then(|| format!("commit `{}`", self.message()))
    }

    /// Rows for the Research Config: label, value.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![("Platform", self.platform.clone())];
        let variables: Vec<String> = self
            .adjusted
            .environment
            .iter()
            .filter(|(name, _)| *name != DEVICE)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !variables.is_empty() {
            rows.push(("Adjusted environment", variables.join(" ")));
        }
        if !self.adjusted.edits.is_empty() {
            rows.push(("Adjusted target", self.adjusted.edits.join(", ")));
        }
        rows
    }

    fn message(&self) -> String {
        format!("adjust: {} for {}", self.adjusted.edits.join(", "), self.adjusted.device)
    }

    /// The commit that the session starts from: `head`, or the confirmed edits
    /// on top of it.
    pub(crate) fn base(
        &self,
        repo: &Repo,
        head: &CommitId,
        places: &Places,
    ) -> Result<CommitId, EngineError> {
        if self.adjusted.edits.is_empty() {
            return Ok(head.clone());
        }
        let message = self.message();
        let base =
            repo.commit(head, &self.files, &message, &places.adjusted_ref(), clock::now())?;
        // A branch that was made alone is where it was made.
        if repo.read_ref(&places.branch_ref())?.as_ref() == Some(head) {
            repo.ensure_ref(&places.branch_ref(), &base, Some(head))?;
        }
        Ok(base)
    }
}

/// The configuration with the variables that the platform asks for; what the
/// user has set stands.
pub(crate) fn applied(mut config: Config, plan: Option<&Plan>) -> Config {
    for (name, value) in plan.iter().flat_map(|plan| &plan.adjusted.environment) {
        if name == DEVICE || std::env::var_os(name).is_none() {
            config.run.env.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    config
}

/// What a proposer is told of the platform.
pub(crate) fn for_brief(plan: &Plan) -> Vec<String> {
    let set = plan.adjusted.environment.iter().map(|(name, value)| format!("{name}={value}"));
    let set: Vec<String> = set.collect();
    let mut lines = vec![plan.platform.clone()];
    if !set.is_empty() {
        lines.push(format!("set for every run: {}", set.join(" ")));
    }
    lines.extend(plan.adjusted.facts.iter().cloned());
    lines
}

/// A line without its comment; strings with a `#` are cut short, which is fine
/// for what is looked for here.
fn code(line: &str) -> &str {
    line.split('#').next().unwrap_or(line).trim()
}

fn imports_torch(text: &str) -> bool {
    let is_torch = |module: &str| {
        let root = module.split_whitespace().next().unwrap_or("").split('.').next();
        matches!(root, Some("torch" | "pytorch_lightning" | "lightning"))
    };
    text.lines().map(code).any(|line| {
        line.strip_prefix("import ").is_some_and(|modules| modules.split(',').any(is_torch))
            || line.strip_prefix("from ").is_some_and(is_torch)
    })
}

/// Whether a script names CUDA as its device without a choice: no condition in
/// the line, and no line that names the CPU.
fn is_for_cuda(text: &str) -> bool {
    let names = |line: &str, device: &str| {
        [
            format!("\"{device}\""),
            format!("'{device}'"),
            format!("\"{device}:"),
            format!("'{device}:"),
        ]
        .iter()
        .any(|name| line.contains(name.as_str()))
    };
    let is_plain = |line: &&str| {
        !["is_available", " if ", "==", "!=", " in ", "map_location"]
            .iter()
            .any(|word| line.contains(word))
    };
    let lines = || text.lines().map(code).filter(is_plain);
    imports_torch(text)
        && lines().any(|line| names(line, "cuda") || line.contains(".cuda()"))
        && !lines().any(|line| names(line, "cpu"))
}

/// Half precision where a `dtype` or `precision` is given, turned into float32.
fn float32(text: &str) -> (String, Vec<String>) {
    const NAMES: [(&str, &str); 9] = [
        ("torch.bfloat16", "torch.float32"),
        ("torch.float16", "torch.float32"),
        ("torch.half", "torch.float32"),
        ("\"bfloat16\"", "\"float32\""),
        ("'bfloat16'", "'float32'"),
        ("\"float16\"", "\"float32\""),
        ("'float16'", "'float32'"),
        ("\"bf16\"", "\"fp32\""),
        ("'bf16'", "'fp32'"),
    ];
    let mut edits = Vec::new();
    let lines: Vec<String> = text
        .split_inclusive('\n')
        .map(|line| {
            let mut line = line.to_owned();
            for (half, full) in NAMES {
                let Some(at) = line.find(half).filter(|at| *at < code_end(&line)) else { continue };
                let before = line[..at].trim_end();
                let Some(given) = before.strip_suffix('=').map(str::trim_end) else { continue };
                let whole = !line[at + half.len()..].starts_with(|c: char| c.is_alphanumeric());
                let name = given.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next();
                let name = name.unwrap_or("").to_lowercase();
                if whole && (name.ends_with("dtype") || name.ends_with("precision")) {
                    line.replace_range(at..at + half.len(), full);
                    edits.push(format!("{name} {half} -> {full}"));
                }
            }
            line
        })
        .collect();
    edits.dedup();
    (lines.concat(), edits)
}

fn code_end(line: &str) -> usize {
    line.find('#').unwrap_or(line.len())
}

#[cfg(test)]
mod tests;
