//! Constructs that can stand for one another: activations, optimizers of
//! torch, norms. Each is a knob with a choice, offered only where the swap is
//! right by syntax alone and reads as a person would have written it.

mod imports;

use std::collections::BTreeMap;

use autoresearch_core::proposal::{Category, Value};
use autoresearch_core::source;
use tree_sitter::Node;

use crate::knobs::{Found, Pieces, Writing};
use autoresearch_core::space::Domain;

/// The constructs of a Python text that can be swapped. All of a kind within
/// one function are one knob, `MLP.forward: activation`; a function that mixes
/// several means something by it and is left alone.
pub fn find(path: &str, text: &str) -> Vec<Found> {
    if source::Language::of(path) != source::Language::Python {
        return Vec::new();
    }
    let Some(tree) = source::tree(text) else {
        return Vec::new();
    };
    let mut walk =
        Walk { text, imports: imports::imports(tree.root_node(), text), sites: BTreeMap::new() };
    let mut pending = vec![(tree.root_node(), Scope::default())];
    while let Some((node, scope)) = pending.pop() {
        let inner = match node.kind() {
            "ERROR" | "import_statement" | "import_from_statement" | "assert_statement" => continue,
            "class_definition" => Scope { class: walk.name(node), function: None },
            "function_definition" => Scope { function: walk.name(node), ..scope },
            "call" => {
                walk.call(node, scope);
                scope
            }
            _ => scope,
        };
        let mut cursor = node.walk();
        pending.extend(node.named_children(&mut cursor).map(|child| (child, inner)));
    }
    let mut found: Vec<Found> =
        walk.sites.into_iter().filter_map(|(name, sites)| knob(path, name, sites)).collect();
    found.sort_by_key(|found| found.range.start);
    found
}

/// Whether a callee is one of torch's optimizers, whose class may be swapped.
pub(crate) fn is_optimizer(callee: &str) -> bool {
    callee.rsplit_once('.').is_some_and(|(owner, class)| {
        owner.rsplit('.').next() == Some("optim")
            && OPTIMIZERS.iter().any(|(name, _)| *name == class)
    })
}

/// Optimizers of `torch.optim` and the keyword arguments that they take.
const OPTIMIZERS: [(&str, &str); 6] = [
    (
        "Adam",
        "params lr betas eps weight_decay amsgrad foreach maximize capturable differentiable fused",
    ),
    (
        "AdamW",
        "params lr betas eps weight_decay amsgrad foreach maximize capturable differentiable fused",
    ),
    ("NAdam", "params lr betas eps weight_decay foreach maximize capturable differentiable"),
    ("RAdam", "params lr betas eps weight_decay foreach maximize capturable differentiable"),
    (
        "RMSprop",
        "params lr alpha eps weight_decay momentum centered foreach maximize capturable differentiable",
    ),
    (
        "SGD",
        "params lr momentum dampening weight_decay nesterov foreach maximize differentiable fused",
    ),
];

/// Norms of `torch.nn` and `mlx.nn` that take the same arguments.
const NORMS: [&str; 2] = ["LayerNorm", "RMSNorm"];

/// Activations as layers and as functions.
const LAYERS: [(&str, &str); 4] =
    [("relu", "ReLU"), ("gelu", "GELU"), ("silu", "SiLU"), ("tanh", "Tanh")];
const FUNCTIONS: [&str; 4] = ["relu", "gelu", "silu", "tanh"];

/// The square of a `ReLU`, which no library has a name for.
const SQUARED: &str = "relu²";

/// One place where a construct stands.
struct Site {
    start: usize,
    line: usize,
    current: &'static str,
    options: Vec<(&'static str, Pieces)>,
}

#[derive(Clone, Copy, Default)]
struct Scope<'t> {
    class: Option<&'t str>,
    function: Option<&'t str>,
}

struct Walk<'t> {
    text: &'t str,
    /// What a name stands for: `F` for `torch.nn.functional`.
    imports: BTreeMap<&'t str, String>,
    sites: BTreeMap<String, Vec<Site>>,
}

/// The arguments of a call, comments apart.
struct Arguments<'n, 't> {
    positional: Vec<Node<'n>>,
    keywords: Vec<&'t str>,
}

impl<'t> Walk<'t> {
    fn of(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn name(&self, definition: Node<'_>) -> Option<&'t str> {
        definition.child_by_field_name("name").map(|name| self.of(name))
    }

    /// The module that an expression such as `torch.nn` or `F` stands for.
    fn module(&self, owner: &str) -> Option<String> {
        let (head, rest) =
            owner.split_once('.').map_or((owner, None), |(head, rest)| (head, Some(rest)));
        let head = self.imports.get(head)?;
        Some(rest.map_or_else(|| head.clone(), |rest| format!("{head}.{rest}")))
    }

    fn arguments<'n>(&self, call: Node<'n>) -> Option<Arguments<'n, 't>> {
        let list =
            call.child_by_field_name("arguments").filter(|list| list.kind() == "argument_list")?;
        let mut arguments = Arguments { positional: Vec::new(), keywords: Vec::new() };
        let mut cursor = list.walk();
        for argument in list.named_children(&mut cursor).filter(|argument| !argument.is_extra()) {
            match argument.kind() {
                "keyword_argument" => {
                    arguments.keywords.push(self.of(argument.child_by_field_name("name")?));
                }
                // What is unpacked could be anything.
                "list_splat" | "dictionary_splat" => return None,
                _ => arguments.positional.push(argument),
            }
        }
        Some(arguments)
    }

    fn call(&mut self, call: Node<'_>, scope: Scope<'_>) {
        let Some((what, site)) = self.site(call, scope) else {
            return;
        };
        let place: Vec<&str> = scope.class.into_iter().chain(scope.function).collect();
        let name =
            if place.is_empty() { what.to_owned() } else { format!("{}: {what}", place.join(".")) };
        self.sites.entry(name).or_default().push(site);
    }

    fn site(&self, call: Node<'_>, scope: Scope<'_>) -> Option<(&'static str, Site)> {
        let function = call.child_by_field_name("function")?;
        let arguments = self.arguments(call)?;
        if self.of(function) == "max" {
            return Some(("activation", self.scalar_relu(call, &arguments, scope)?));
        }
        let attribute =
            function.child_by_field_name("attribute").filter(|_| function.kind() == "attribute")?;
        let module = self.module(self.of(function.child_by_field_name("object")?))?;
        let class = self.of(attribute);
        let renamed = |current: &'static str, options: Vec<(&'static str, &str)>| Site {
            start: call.start_byte(),
            line: call.start_position().row + 1,
            current,
            options: options
                .into_iter()
                .map(|(option, name)| (option, vec![(attribute.byte_range(), name.to_owned())]))
                .collect(),
        };
        match module.as_str() {
            "torch.optim" => {
                let (current, _) = OPTIMIZERS.iter().find(|(name, _)| *name == class)?;
                let takes = |keywords: &str| {
                    arguments
                        .keywords
                        .iter()
                        .all(|given| keywords.split(' ').any(|keyword| keyword == *given))
                };
                let options = OPTIMIZERS
                    .iter()
                    .filter(|(_, keywords)| arguments.positional.len() <= 2 && takes(keywords));
                Some((
                    "optimizer",
                    renamed(current, options.map(|(name, _)| (*name, *name)).collect()),
                ))
            }
            "torch.nn" | "mlx.nn" if NORMS.contains(&class) => {
                let current = NORMS.into_iter().find(|name| *name == class)?;
                let common = arguments.positional.len() <= 1
                    && arguments.keywords.iter().all(|keyword| *keyword == "eps");
                common.then(|| ("norm", renamed(current, NORMS.map(|name| (name, name)).to_vec())))
            }
            "torch.nn" | "mlx.nn" if LAYERS.iter().any(|(_, layer)| *layer == class) => {
                let (current, _) = LAYERS.into_iter().find(|(_, layer)| *layer == class)?;
                let bare = arguments.positional.is_empty() && arguments.keywords.is_empty();
                bare.then(|| ("activation", renamed(current, LAYERS.to_vec())))
            }
            _ => self.function(call, module.as_str(), &arguments, scope),
        }
    }

    /// An activation that is a function.
    fn function(
        &self,
        call: Node<'_>,
        module: &str,
        arguments: &Arguments<'_, '_>,
        scope: Scope<'_>,
    ) -> Option<(&'static str, Site)> {
        let function = call.child_by_field_name("function")?;
        let attribute = function.child_by_field_name("attribute")?;
        let name = self.of(attribute);
        let known = || FUNCTIONS.into_iter().find(|known| *known == name);
        let site = match module {
            "torch.nn.functional" => {
                self.applied(call, attribute, arguments, known()?, ".square()", |option| {
                    Some((option, None))
                })
            }
            "jax.nn" | "flax.linen" | "mlx.nn" => {
                self.applied(call, attribute, arguments, known()?, " ** 2", |option| {
                    Some((option, None))
                })
            }
            "torch" => self.applied(call, attribute, arguments, known()?, ".square()", |option| {
                matches!(option, "relu" | "tanh").then_some((option, None))
            }),
            "numpy" | "autograd.numpy" | "jax.numpy" | "mlx.core" if is_network(scope) => {
                let current = if name == "maximum" { "relu" } else { known()? };
                self.applied(call, attribute, arguments, current, " ** 2", |option| match option {
                    "tanh" => Some(("tanh", None)),
                    "relu" => Some(("maximum", Some(", 0"))),
                    _ => None,
                })
            }
            "math" if is_network(scope) && name == "tanh" && stands_alone(call) => {
                let [argument] = arguments.positional.as_slice() else {
                    return None;
                };
                let before = argument.start_byte()..argument.start_byte();
                let relu =
                    vec![(function.byte_range(), "max".to_owned()), (before, "0.0, ".to_owned())];
                Some(Site {
                    start: call.start_byte(),
                    line: call.start_position().row + 1,
                    current: "tanh",
                    options: vec![("tanh", Vec::new()), ("relu", relu)],
                })
            }
            _ => None,
        };
        site.map(|site| ("activation", site))
    }

    /// `max(0.0, x)` where `math` is at hand.
    fn scalar_relu(
        &self,
        call: Node<'_>,
        arguments: &Arguments<'_, '_>,
        scope: Scope<'_>,
    ) -> Option<Site> {
        let [zero, argument] = arguments.positional.as_slice() else {
            return None;
        };
        let right = self.imports.get("math").is_some_and(|module| module == "math")
            && is_network(scope)
            && self.of(*zero) == "0.0"
            && arguments.keywords.is_empty()
            && stands_alone(call);
        let function = call.child_by_field_name("function")?;
        let tanh = vec![
            (function.byte_range(), "math.tanh".to_owned()),
            (zero.start_byte()..argument.start_byte(), String::new()),
        ];
        right.then(|| Site {
            start: call.start_byte(),
            line: call.start_position().row + 1,
            current: "relu",
            options: vec![("tanh", tanh), ("relu", Vec::new())],
        })
    }

    /// A function applied to one value: `F.relu(x)`, `np.maximum(x, 0)`, and
    /// the square of either. `spelled` gives the name of an option in this
    /// library and what follows the value.
    fn applied(
        &self,
        call: Node<'_>,
        attribute: Node<'_>,
        arguments: &Arguments<'_, '_>,
        current: &'static str,
        square: &str,
        spelled: impl Fn(&'static str) -> Option<(&'static str, Option<&'static str>)>,
    ) -> Option<Site> {
        let (_, tail) = spelled(current)?;
        let (value, rest) = match (arguments.positional.as_slice(), tail) {
            ([value], None) => (*value, None),
            ([value, zero], Some(_)) if matches!(self.of(*zero), "0" | "0.0") => {
                (*value, Some(value.end_byte()..zero.end_byte()))
            }
            _ => return None,
        };
        if !arguments.keywords.is_empty() {
            return None;
        }
        let squared = self.square_of(call).filter(|_| current == "relu");
        let whole = squared.unwrap_or(call);
        if !stands_alone(whole) {
            return None;
        }
        let after = call.end_byte()..whole.end_byte();
        let is_squared = squared.is_some();
        let current = if is_squared { SQUARED } else { current };
        let mut options = Vec::new();
        for option in FUNCTIONS.into_iter().chain([SQUARED]) {
            let base = if option == SQUARED { "relu" } else { option };
            let Some((name, tail)) = spelled(base) else {
                continue;
            };
            let mut pieces = Pieces::new();
            if name != self.of(attribute) {
                pieces.push((attribute.byte_range(), name.to_owned()));
                match (&rest, tail) {
                    (Some(rest), None) => pieces.push((rest.clone(), String::new())),
                    (None, Some(tail)) => {
                        pieces.push((value.end_byte()..value.end_byte(), tail.to_owned()));
                    }
                    _ => {}
                }
            }
            if is_squared != (option == SQUARED) {
                pieces.push((
                    after.clone(),
                    if is_squared { String::new() } else { square.to_owned() },
                ));
            }
            options.push((option, pieces));
        }
        Some(Site {
            start: call.start_byte(),
            line: call.start_position().row + 1,
            current,
            options,
        })
    }

    /// `call.square()`, `call.pow(2)` or `call ** 2`.
    fn square_of<'n>(&self, call: Node<'n>) -> Option<Node<'n>> {
        let parent = call.parent()?;
        match parent.kind() {
            "binary_operator" => {
                let operator = self.of(parent.child_by_field_name("operator")?);
                let right = parent.child_by_field_name("right")?;
                (operator == "**" && self.of(right) == "2").then_some(parent)
            }
            "attribute" => {
                let outer = parent.parent().filter(|outer| outer.kind() == "call")?;
                let applied = outer.child_by_field_name("function") == Some(parent);
                let suffix: String =
                    self.text.get(call.end_byte()..outer.end_byte())?.split_whitespace().collect();
                (applied && matches!(suffix.as_str(), ".square()" | ".pow(2)")).then_some(outer)
            }
            _ => None,
        }
    }
}

/// Whether an expression is all of what is assigned, returned or passed on: as
/// a part of arithmetic, `cap * tanh(x / cap)` or a gate, it means something
/// else than an activation.
fn stands_alone(node: Node<'_>) -> bool {
    node.parent().is_some_and(|parent| {
        matches!(
            parent.kind(),
            "assignment"
                | "argument_list"
                | "return_statement"
                | "keyword_argument"
                | "list_comprehension"
        )
    })
}

/// Whether plain arithmetic in this scope is likely to be a network's.
fn is_network(scope: Scope<'_>) -> bool {
    const MARKS: [&str; 9] =
        ["forward", "predict", "call", "apply", "net", "mlp", "layer", "activation", "model"];
    scope.function.is_some_and(|function| {
        let function = function.to_lowercase();
        MARKS.iter().any(|mark| function.contains(mark))
            && !function.contains("backward")
            && !function.contains("grad")
    })
}

/// One knob for all sites of a name; `None` where they are not alike.
fn knob(path: &str, name: String, mut sites: Vec<Site>) -> Option<Found> {
    sites.sort_by_key(|site| site.start);
    let first = sites.first()?;
    let (current, line, start) = (first.current, first.line, first.start);
    if sites.iter().any(|site| site.current != current) {
        return None;
    }
    let mut values: Vec<(Value, Pieces)> = Vec::new();
    for (option, _) in &first.options {
        let each = sites.iter().map(|site| site.options.iter().find(|(other, _)| other == option));
        let Some(all) = each.collect::<Option<Vec<_>>>() else {
            continue;
        };
        let pieces = all.into_iter().flat_map(|(_, pieces)| pieces.clone()).collect();
        values.push((Value::Text((*option).to_owned()), pieces));
    }
    if values.len() < 2 {
        return None;
    }
    let category =
        if name.ends_with("optimizer") { Category::Optimizer } else { Category::Architecture };
    Some(Found {
        name,
        path: path.to_owned(),
        line,
        current: Value::Text(current.to_owned()),
        domain: Domain::Choice { options: values.iter().map(|(value, _)| value.clone()).collect() },
        category,
        range: start..start,
        writing: Writing::Pieces(values),
    })
}

#[cfg(test)]
mod tests;
