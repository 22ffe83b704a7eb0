//! Settings among the arguments of calls, the parameters of functions and the
//! pairs of dictionaries.

use tree_sitter::Node;

use super::collect::{Context, Named, Place, Walk, last_name};
use super::literal::Literal;
use super::words::{has_any, words};

impl<'t> Walk<'t> {
    pub(super) fn parameters(
        &mut self,
        function: Node<'_>,
        name: Option<&'t str>,
        context: Context<'_>,
    ) {
        let (Some(parameters), Some(function)) = (function.child_by_field_name("parameters"), name)
        else {
            return;
        };
        // A constructor is called by the name of its class.
        let callee = context.class.filter(|_| function == "__init__").unwrap_or(function);
        let mut cursor = parameters.walk();
        for parameter in parameters.named_children(&mut cursor) {
            let (Some(name), Some(value)) =
                (parameter.child_by_field_name("name"), parameter.child_by_field_name("value"))
            else {
                continue;
            };
            let setting = self.of(name);
            let mut named = Named::new(format!("{callee}({setting})"), setting, Place::Inside);
            named.real = parameter
                .child_by_field_name("type")
                .is_some_and(|of| self.of(of).contains("float"));
            named.default_of = Some((callee.to_owned(), setting.to_owned()));
            self.add(value, &named);
        }
    }

    pub(super) fn pair(&mut self, pair: Node<'_>, context: Context<'_>) {
        let (Some(key), Some(value)) =
            (pair.child_by_field_name("key"), pair.child_by_field_name("value"))
        else {
            return;
        };
        let Some(setting) = self.key(key) else { return };
        let settings = context.owner.is_some_and(|owner| {
            has_any(&words(owner), "config cfg params hparams hyperparameters settings args hp")
        });
        let place =
            if context.function.is_none() && settings { Place::Setting } else { Place::Inside };
        let name = format!("{}[\"{setting}\"]", context.owner.unwrap_or("dict"));
        self.add(value, &Named::new(name, setting, place));
    }

    /// Takes the arguments of a call; false where nothing inside is a setting.
    pub(super) fn call(&mut self, call: Node<'_>) -> bool {
        let (Some(function), Some(arguments)) =
            (call.child_by_field_name("function"), call.child_by_field_name("arguments"))
        else {
            return true;
        };
        let full = self.of(function);
        let callee = last_name(full);
        if callee == "add_argument" {
            self.option(arguments);
            return false;
        }
        if is_talk(full, callee) {
            return false;
        }
        let constructor = callee.starts_with(char::is_uppercase);
        // The class of an optimizer may be swapped; its settings keep their names.
        let shown = if crate::rewrites::is_optimizer(full) { "optimizer" } else { callee };
        let mut cursor = arguments.walk();
        let mut position = 0;
        for argument in
            arguments.named_children(&mut cursor).filter(|argument| !argument.is_extra())
        {
            let named = if argument.kind() == "keyword_argument" {
                argument.child_by_field_name("name").map(|name| self.of(name))
            } else {
                position += 1;
                let at = position - 1;
                POSITIONAL
                    .iter()
                    .find(|(of, place, _)| *of == callee && *place == at)
                    .map(|(_, _, setting)| *setting)
            };
            let Some(setting) = named else { continue };
            let value = argument.child_by_field_name("value").unwrap_or(argument);
            self.collected.given.insert((callee.to_owned(), setting.to_owned()));
            if is_plumbing(setting, callee, constructor) {
                continue;
            }
            let name = format!("{shown}({setting})");
            // What these mean depends on who is called.
            let setting = match setting {
                "p" if callee.contains("Drop") => "dropout",
                "gamma" if callee.ends_with("LR") => "fraction",
                setting => setting,
            };
            let mut named = Named::new(name, setting, Place::Keyword { constructor });
            named.callee = Some(callee);
            self.add(value, &named);
        }
        true
    }

    /// `add_argument("--lr", type=float, default=1e-3, choices=[…])`.
    fn option(&mut self, arguments: Node<'_>) {
        let mut cursor = arguments.walk();
        let mut named = Named::new(String::new(), "", Place::Setting);
        let (mut default, mut choices) = (None, None);
        for argument in arguments.named_children(&mut cursor) {
            if let Some(flag) = self.key(argument) {
                if named.name.is_empty() || flag.starts_with("--") {
                    flag.clone_into(&mut named.name);
                    named.setting = flag;
                }
                continue;
            }
            let (Some(name), Some(value)) =
                (argument.child_by_field_name("name"), argument.child_by_field_name("value"))
            else {
                continue;
            };
            match self.of(name) {
                "default" => default = Some(value),
                "type" => named.real = self.of(value) == "float",
                "choices" => {
                    let mut cursor = value.walk();
                    let options =
                        value.named_children(&mut cursor).filter(|option| !option.is_extra());
                    choices = options
                        .map(|option| Some(Literal::of(option, self.text)?.value))
                        .collect::<Option<Vec<_>>>();
                }
                _ => {}
            }
        }
        let Some(default) = default.filter(|_| !named.name.is_empty()) else {
            return;
        };
        let before = self.collected.candidates.len();
        self.add(default, &named);
        if self.collected.candidates.len() == before + 1
            && let Some(candidate) = self.collected.candidates.last_mut()
        {
            candidate.choices = choices;
        }
    }
}

/// Positional arguments that are settings.
const POSITIONAL: [(&str, usize, &str); 5] = [
    ("Dropout", 0, "p"),
    ("Dropout2d", 0, "p"),
    ("LeakyReLU", 0, "negative_slope"),
    ("clip_grad_norm_", 1, "max_norm"),
    ("clip_grad_value_", 1, "clip_value"),
];

/// Calls that show, store, load or time something.
fn is_talk(full: &str, callee: &str) -> bool {
    const OWNERS: [&str; 20] = [
        "plt",
        "ax",
        "axes",
        "fig",
        "pyplot",
        "sns",
        "px",
        "go",
        "logger",
        "logging",
        "log",
        "wandb",
        "writer",
        "warnings",
        "os",
        "sys",
        "time",
        "re",
        "json",
        "subprocess",
    ];
    const CALLEES: [&str; 24] = [
        "print",
        "open",
        "tqdm",
        "trange",
        "round",
        "range",
        "format",
        "getenv",
        "ArgumentParser",
        "manual_seed",
        "seed",
        "train_test_split",
        "DataLoader",
        "device",
        "environ",
        "load",
        "save",
        "dump",
        "dumps",
        "reshape",
        "permute",
        "KFold",
        "StratifiedKFold",
        "cross_val_score",
    ];
    let owner = full.split(['.', '(', '[']).next().unwrap_or(full);
    // A data loader's batch is a setting, its other arguments are not.
    (full != owner && OWNERS.contains(&owner))
        || (callee != "DataLoader" && CALLEES.contains(&callee))
        || callee.starts_with("load_")
        || callee.starts_with("fetch_")
        || callee.starts_with("save")
        || matches!(callee, "make_blobs" | "make_classification" | "make_moons" | "make_regression")
}

/// Arguments that fit shapes together.
fn is_plumbing(setting: &str, callee: &str, constructor: bool) -> bool {
    matches!(
        setting,
        "inplace"
            | "fused"
            | "foreach"
            | "dim"
            | "dims"
            | "axis"
            | "size"
            | "shape"
            | "n"
            | "k"
            | "num"
            | "out"
            | "in_features"
            | "out_features"
            | "in_channels"
            | "out_channels"
            | "num_embeddings"
    ) || (!constructor
        && matches!(setting, "bias" | "base" | "order" | "scale" | "norm" | "weights" | "mode"))
        || (callee == "DataLoader" && setting != "batch_size")
}
