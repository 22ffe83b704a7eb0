//! What to change in a target that ran out of memory (SPEC E8): half the batch
//! that a device holds at once, with the accumulation of gradients kept
//! consistent, or gradient checkpointing where the script has a switch for it.

use std::collections::BTreeMap;
use std::ops::Range;

use autoresearch_core::platform::Device;
use autoresearch_core::proposal::{FileEdit, Settings, Value};
use tree_sitter::Node;

use crate::Text;
use crate::knobs::{self, Setting};
use crate::search::found_in;

/// A change that needs less memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Relief {
    /// The targets that change, whole.
    pub edits: Vec<FileEdit>,
    /// `DEVICE_BATCH_SIZE 64 -> 32`, for the subject of a commit.
    pub change: String,
    /// What became of the accumulation of gradients, in words; empty where it
    /// does not matter.
    pub accumulation: String,
}

/// A literal with the target that it stands in.
struct Literal<'a> {
    target: &'a Text,
    setting: Setting,
}

impl Literal<'_> {
    fn int(&self) -> Option<i64> {
        match self.setting.value {
            Value::Int(value) => Some(value),
            _ => None,
        }
    }

    /// Writes another value; `NAME old -> new`.
    fn set(&self, value: &Value, pieces: &mut Pieces) -> Option<String> {
        let written = self.setting.write(value)?;
        let name = self.setting.name.trim_start_matches('-');
        let words = match (&self.setting.value, value) {
            (Value::Int(from), Value::Int(to)) => format!("{name} {from} -> {to}"),
            _ => format!("{name} on"),
        };
        let places = pieces.entry(self.target.path.clone()).or_default();
        places.push((self.setting.range.clone(), written));
        Some(words)
    }
}

type Pieces = BTreeMap<String, Vec<(Range<usize>, String)>>;

/// A change of the targets that needs less memory on `device`: gradient
/// checkpointing on CUDA where a switch for it is off, else half the batch.
/// `batch` names the setting to halve (as the search names it, or its bare
/// name); `None` is to find it among the integer literals by its name: one of a
/// device or a micro-batch first, then any batch size.
///
/// # Errors
/// Why there is none, as a fragment.
pub fn relieve(targets: &[Text], batch: Option<&str>, device: Device) -> Result<Relief, String> {
    let literals = literals(targets);
    let switch = literals.iter().find(|literal| is_checkpointing_off(&literal.setting));
    let mut pieces = Pieces::new();
    if let (Device::Cuda, Some(switch)) = (device, switch)
        && let Some(change) = switch.set(&Value::Bool(true), &mut pieces)
    {
        let edits = edits(targets, &pieces);
        return Ok(Relief { edits, change, accumulation: String::new() });
    }
    divide_batch(targets, batch, 2)
}

/// A change that divides the batch by `by`, at least 1, down to 1 at least.
/// `batch` is as for [`relieve`].
///
/// # Errors
/// Why there is none, as a fragment.
pub fn divide_batch(targets: &[Text], batch: Option<&str>, by: u32) -> Result<Relief, String> {
    let literals = literals(targets);
    let mut pieces = Pieces::new();
    let found = found_batch(&literals, batch)?;
    let size = found.int().unwrap_or_default();
    let smaller = (size / i64::from(by.max(1))).max(1);
    let failed = || format!("`{}` cannot be written anew", found.setting.name);
    let mut change = found.set(&Value::Int(smaller), &mut pieces).ok_or_else(failed)?;
    let steps = literals.iter().find(|literal| {
        is_accumulation(&literal.setting.identifier)
            && literal.int().is_some_and(|steps| steps >= 1)
    });
    let times = size / smaller;
    let multiplied = steps.and_then(|steps| {
        let more = steps.int()?.checked_mul(times)?;
        steps.set(&Value::Int(more), &mut pieces)
    });
    let accumulation = match multiplied {
        Some(words) => {
            change = format!("{change}, {words}");
            if times == 2 {
                "accumulation is doubled".to_owned()
            } else {
                format!("accumulation is {times} times as long")
            }
        }
        None => match targets.iter().find_map(derived_accumulation) {
            Some(name) => format!("the script derives `{name}` itself"),
            None => "the script accumulates no gradients".to_owned(),
        },
    };
    Ok(Relief { edits: edits(targets, &pieces), change, accumulation })
}

fn literals(targets: &[Text]) -> Vec<Literal<'_>> {
    targets
        .iter()
        .flat_map(|target| {
            let settings = knobs::settings(&target.path, &target.text).into_iter();
            settings.map(move |setting| Literal { target, setting })
        })
        .collect()
}

/// The settings of a search, read again from the targets as they are after a
/// change by others; `None` where one of them is there no more.
pub fn settings_after(
    settings: &Settings,
    targets: &[Text],
    ranges: &BTreeMap<String, String>,
) -> Option<Settings> {
    let now: BTreeMap<String, Value> =
        found_in(targets, ranges).into_iter().map(|found| (found.name, found.current)).collect();
    settings.keys().map(|name| Some((name.clone(), now.get(name)?.clone()))).collect()
}

fn edits(targets: &[Text], pieces: &Pieces) -> Vec<FileEdit> {
    let edit = |target: &Text| {
        let pieces = pieces.get(&target.path)?.clone();
        let content = knobs::replaced(&target.text, pieces).into_bytes();
        Some(FileEdit { path: target.path.clone(), content: Some(content) })
    };
    targets.iter().filter_map(edit).collect()
}

fn found_batch<'a, 'b>(
    literals: &'b [Literal<'a>],
    batch: Option<&str>,
) -> Result<&'b Literal<'a>, String> {
    let can_halve = |literal: &&Literal<'_>| literal.int().is_some_and(|size| size >= 2);
    if let Some(name) = batch {
        let is_meant = |literal: &&Literal<'_>| {
            let Setting { name: full, identifier, .. } = &literal.setting;
            let bare = |text: &str| text.trim_start_matches('-').replace('-', "_");
            full == name || bare(identifier) == bare(name)
        };
        return literals.iter().filter(is_meant).find(can_halve).ok_or_else(|| {
            format!("no whole number above 1 is named `{name}`, as `run.batch` says")
        });
    }
    // Of equals the first, and what is gathered among settings before others.
    literals
        .iter()
        .filter(can_halve)
        .filter_map(|literal| Some((batch_rank(&literal.setting.identifier)?, literal)))
        .min_by_key(|(rank, literal)| (*rank, !literal.setting.is_gathered))
        .map(|(_, literal)| literal)
        .ok_or_else(|| {
            "no batch size above 1 was found that could be halved; name it in `run.batch`"
                .to_owned()
        })
}

/// How surely a name is that of the batch that a device holds at once; the
/// lower, the surer.
fn batch_rank(name: &str) -> Option<u8> {
    const OTHERS: &str = "total global effective eval evals val valid validation test sample \
        inference generate norm tokens log logs num frac ratio max min";
    let words = knobs::words_of(name);
    let any = |list: &str| knobs::has_any(&words, list);
    if !any("batch bs bsz batchsize mbs") || any(OTHERS) {
        return None;
    }
    let of_a_device = any("device micro local mbs") || any("per") && any("gpu replica core");
    let plain = |word: &String| {
        knobs::has_any(std::slice::from_ref(word), "batch bs bsz batchsize size train training")
    };
    match () {
        () if of_a_device => Some(0),
        () if words.iter().all(plain) => Some(1),
        () if any("size") => Some(2),
        () => None,
    }
}

fn is_accumulation(name: &str) -> bool {
    let words = knobs::words_of(name);
    knobs::has_any(&words, "accum accumulate accumulation gradaccum")
        && !knobs::has_any(&words, "loss losses")
}

/// A switch as `gradient_checkpointing = False`.
fn is_checkpointing_off(setting: &Setting) -> bool {
    let name: String = setting
        .identifier
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_lowercase();
    let parts = [
        "gradientcheckpoint",
        "gradcheckpoint",
        "gradckpt",
        "activationcheckpoint",
        "checkpointactivation",
        "actckpt",
    ];
    setting.value == Value::Bool(false)
        && (parts.iter().any(|part| name.contains(part))
            || matches!(name.as_str(), "usecheckpoint" | "usecheckpointing"))
}

/// The name of an accumulation that follows from other values.
fn derived_accumulation(target: &Text) -> Option<String> {
    let tree = knobs::tree_of(&target.path, &target.text)?;
    let mut pending = vec![tree.root_node()];
    while let Some(node) = pending.pop() {
        if let Some(name) = derived_by(node, &target.text) {
            return Some(name.to_owned());
        }
        let mut cursor = node.walk();
        pending.extend(node.named_children(&mut cursor));
    }
    None
}

fn derived_by<'t>(node: Node<'_>, text: &'t str) -> Option<&'t str> {
    let (left, right) = (node.child_by_field_name("left")?, node.child_by_field_name("right")?);
    let of = |node: Node<'_>| text.get(node.byte_range());
    let name = of(left).filter(|_| node.kind() == "assignment")?;
    let is_computed = matches!(right.kind(), "binary_operator" | "call" | "conditional_expression");
    (is_computed && is_accumulation(name)).then_some(name)
}

#[cfg(test)]
mod tests;
