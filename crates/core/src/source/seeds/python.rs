//! Seeds in Python, found in the syntax tree.

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::{Seed, Seeds, VARIABLE, names, quoted};
use crate::source::literal;

/// Where the walk is.
#[derive(Clone, Copy, Default)]
struct Context<'t> {
    /// What is here decides on data.
    of_data: bool,
    /// In the arguments of a call that splits, samples or loads data.
    in_data_call: bool,
    /// To what the value is assigned, until arguments of a call begin.
    owner: Option<&'t str>,
}

/// A seed with the name that it is known by, if any.
struct Named<'t> {
    seed: Seed,
    name: Option<&'t str>,
    of_data: bool,
}

#[derive(Default)]
struct Walk<'t> {
    text: &'t str,
    numbers: Vec<Named<'t>>,
    /// Names in the place of a seed, as in `manual_seed(SEED)`: the seed with
    /// the name, and the argument that it is given as.
    uses: Vec<(Seed, &'t str, Option<&'t str>)>,
    /// Names of seeds that decide on data.
    of_data: BTreeSet<&'t str>,
    reads_variable: bool,
}

pub(super) fn find(text: &str) -> Seeds {
    let Some(tree) = super::super::tree(text) else { return Seeds::default() };
    let mut walk = Walk { text, ..Walk::default() };
    let mut pending = vec![(tree.root_node(), Context::default())];
    while let Some((node, context)) = pending.pop() {
        let inner = walk.visit(node, context);
        let mut cursor = node.walk();
        let children: Vec<_> = node.named_children(&mut cursor).collect();
        pending.extend(children.into_iter().map(|child| (child, walk.at(node, child, inner))));
    }
    let Walk { numbers, uses, of_data, reads_variable, .. } = walk;
    let mut seeds = Seeds { reads_variable, ..Seeds::default() };
    // Constants that stay because data depends on them.
    let mut staying = BTreeSet::new();
    for Named { seed, name, of_data: is_of_data } in numbers {
        let is_shared = name.is_some_and(|name| of_data.contains(name));
        if is_shared {
            staying.extend(name);
        }
        if is_of_data || is_shared { &mut seeds.fixed } else { &mut seeds.varied }.push(seed);
    }
    let varied = uses.into_iter().filter(|(_, name, argument)| {
        staying.contains(name) && argument.is_none_or(|argument| !of_data.contains(argument))
    });
    seeds.varied.extend(varied.map(|(seed, ..)| seed));
    seeds
}

impl<'t> Walk<'t> {
    fn of(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// Takes a node; the context of what is in it.
    fn visit(&mut self, node: Node<'_>, context: Context<'t>) -> Context<'t> {
        match node.kind() {
            "assignment" => {
                let left = node.child_by_field_name("left");
                let Some(name) = left.and_then(|left| self.name_of(left)) else {
                    return Context { owner: left.map(|left| self.of(left)), ..context };
                };
                if let Some(right) = node.child_by_field_name("right") {
                    self.setting(name, right, node, context);
                }
                return Context { owner: Some(name), ..context };
            }
            "keyword_argument" | "default_parameter" | "typed_default_parameter" => {
                let name = node.child_by_field_name("name").map(|name| self.of(name));
                if let (Some(name), Some(value)) = (name, node.child_by_field_name("value")) {
                    self.setting(name, value, node, context);
                }
            }
            "pair" => {
                let key = node.child_by_field_name("key").and_then(|key| self.string(key));
                if let (Some(key), Some(value)) = (key, node.child_by_field_name("value")) {
                    self.setting(key, value, node, context);
                }
            }
            "call" => self.call(node, context),
            "function_definition" => {
                let name = node.child_by_field_name("name").map_or("", |name| self.of(name));
                let of_data = context.of_data || names::prepares_data(name);
                return Context { of_data, ..context };
            }
            "string" if self.of(node).contains(VARIABLE) => {
                let is_docstring = node.parent().is_some_and(|parent| {
                    parent.kind() == "expression_statement" && parent.named_child_count() == 1
                });
                self.reads_variable |= !is_docstring;
            }
            "identifier" | "attribute" | "subscript" if context.in_data_call => {
                self.of_data.extend(self.name_of(node).filter(|name| names::is_seed(name)));
            }
            _ => {}
        }
        context
    }

    /// The context of a child of `node`.
    fn at(&self, node: Node<'_>, child: Node<'_>, context: Context<'t>) -> Context<'t> {
        match node.kind() {
            "call" if node.child_by_field_name("arguments") == Some(child) => {
                let full = node.child_by_field_name("function").map_or("", |f| self.of(f));
                let takes_data = names::takes_data(full);
                Context {
                    of_data: context.of_data || takes_data,
                    in_data_call: context.in_data_call || takes_data,
                    owner: None,
                }
            }
            // The name of an argument is no variable.
            "keyword_argument" if node.child_by_field_name("name") == Some(child) => {
                Context { in_data_call: false, ..context }
            }
            // `RandomState(0).permutation(n)`, `data.shuffle(seed=0).select(…)`.
            "attribute" if node.child_by_field_name("object") == Some(child) => {
                let then = node.child_by_field_name("attribute").map_or("", |then| self.of(then));
                let takes =
                    matches!(then, "permutation" | "shuffle" | "select" | "take" | "skip" | "head");
                let is_call = child.kind() == "call";
                Context { of_data: context.of_data || takes && is_call, ..context }
            }
            _ => context,
        }
    }

    /// Something of the name of a seed that is set to `value`.
    fn setting(&mut self, name: &'t str, value: Node<'_>, whole: Node<'_>, context: Context<'t>) {
        if !names::is_seed(name) {
            return;
        }
        if names::is_of_data(name) {
            return self.value(value, None, whole, Context { of_data: true, ..context });
        }
        self.value(value, Some(name), whole, context);
    }

    fn call(&mut self, call: Node<'_>, context: Context<'t>) {
        let (Some(function), Some(arguments)) =
            (call.child_by_field_name("function"), call.child_by_field_name("arguments"))
        else {
            return;
        };
        let full = self.of(function);
        let mut cursor = arguments.walk();
        let arguments: Vec<Node<'_>> =
            arguments.named_children(&mut cursor).filter(|argument| !argument.is_extra()).collect();
        let is_keyword = |node: &&Node<'_>| node.kind() == "keyword_argument";
        if names::seeds(full) {
            // `split_rng = default_rng(0)`.
            let of_data = context.of_data || context.owner.is_some_and(names::is_of_data);
            let context = Context { of_data, ..context };
            let all = names::last(full) == "Rngs";
            for (at, argument) in arguments.iter().enumerate() {
                if is_keyword(&argument) {
                    if let Some(value) = argument.child_by_field_name("value").filter(|_| all) {
                        self.value(value, None, call, context);
                    }
                } else if at == 0 {
                    self.value(*argument, None, call, context);
                }
            }
            return;
        }
        // `add_argument("--seed", default=42)`, `DEFINE_integer("seed", 42, …)`,
        // `config.get("seed", 42)`.
        let takes_names = matches!(
            names::last(full),
            "add_argument"
                | "add_option"
                | "option"
                | "Option"
                | "DEFINE_integer"
                | "get"
                | "setdefault"
                | "pop"
        );
        let mut strings = arguments.iter().filter_map(|argument| self.string(*argument));
        let Some(name) = strings.find(|name| names::is_seed(name)).filter(|_| takes_names) else {
            return;
        };
        let name = name.trim_start_matches('-');
        for argument in &arguments {
            let value = match argument.kind() {
                "keyword_argument" => {
                    let key = argument.child_by_field_name("name").map(|key| self.of(key));
                    argument.child_by_field_name("value").filter(|_| key == Some("default"))
                }
                _ => Some(*argument),
            };
            if let Some(value) = value {
                self.setting(name, value, call, context);
            }
        }
    }

    /// Takes the whole number of a seed, as it stands or with something added
    /// (`1337 + rank`), or the name of one.
    fn value(
        &mut self,
        value: Node<'_>,
        name: Option<&'t str>,
        whole: Node<'_>,
        context: Context<'t>,
    ) {
        if value.kind() == "binary_operator" {
            let operator = value.child_by_field_name("operator").map(|o| self.of(o));
            let sides = ["left", "right"].map(|side| value.child_by_field_name(side));
            let [Some(left), Some(right)] = sides else { return };
            // What is added to a seed stays: only one of them is varied.
            match (operator, left.kind(), right.kind()) {
                (Some("+"), "integer", "integer") => self.value(left, name, whole, context),
                (Some("+"), "integer", _) if !self.is_seed(right) => {
                    self.value(left, name, whole, context);
                }
                (Some("+"), _, "integer") if !self.is_seed(left) => {
                    self.value(right, name, whole, context);
                }
                (Some("+"), ..) if self.is_seed(left) => self.value(left, name, whole, context),
                (Some("+"), ..) if self.is_seed(right) => self.value(right, name, whole, context),
                _ => {}
            }
            return;
        }
        let number = (value.kind() == "integer")
            .then(|| literal::number(self.of(value)).parse::<u128>().ok())
            .flatten();
        let seed = Seed {
            range: value.byte_range(),
            value: number,
            line: value.start_position().row + 1,
            words: quoted(self.of(whole)),
        };
        if number.is_some() {
            self.numbers.push(Named { seed, name, of_data: context.of_data });
        } else if let Some(used) = self.name_of(value).filter(|used| names::is_seed(used))
            && !context.of_data
        {
            self.uses.push((seed, used, name));
        }
    }

    fn is_seed(&self, node: Node<'_>) -> bool {
        self.name_of(node).is_some_and(names::is_seed)
    }

    /// `seed` of `seed`, `args.seed` and `config["seed"]`.
    fn name_of(&self, node: Node<'_>) -> Option<&'t str> {
        match node.kind() {
            "identifier" => Some(self.of(node)),
            "attribute" => node.child_by_field_name("attribute").map(|name| self.of(name)),
            "subscript" => node.child_by_field_name("subscript").and_then(|key| self.string(key)),
            _ => None,
        }
    }

    /// The contents of a string.
    fn string(&self, node: Node<'_>) -> Option<&'t str> {
        (node.kind() == "string").then(|| self.of(node).trim_matches(['"', '\'']))
    }
}
