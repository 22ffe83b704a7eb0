//! A Python module as its top-level units: what is compared before and after.

use std::collections::BTreeSet;

use tree_sitter::Node;

/// How deep code may nest and still be looked at.
const DEPTH: usize = 200;

/// Statements of a function that does one thing: the settings in it belong together.
const TINY: usize = 8;

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name that gets a value, also a field of a class that has nothing else.
    Constant,
    /// A function or a class.
    Definition,
    /// Anything else.
    Statement,
}

/// A simple statement, or what a compound one begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Leaf {
    /// The function that it stands in.
    pub(super) within: String,
    /// Its tokens, without comments.
    pub(super) tokens: Vec<String>,
    /// All names in it, attributes and keywords included.
    pub(super) names: BTreeSet<String>,
    /// Those that stand for themselves.
    pub(super) plain: BTreeSet<String>,
    /// Names that get a value here: variables at the top level, attributes.
    pub(super) assigned: BTreeSet<String>,
    /// Arguments, defaults, entries and variables with their values.
    pub(super) slots: BTreeSet<(String, String)>,
    /// Numbers and strings.
    pub(super) literals: BTreeSet<String>,
}

/// A statement at the top level.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) kind: Kind,
    /// What it is found again by.
    pub(super) name: Option<String>,
    /// How it is shown.
    pub(super) label: String,
    pub(super) leaves: Vec<Leaf>,
}

impl Unit {
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.leaves.iter().flat_map(|leaf| &leaf.names)
    }

    pub(super) fn plain(&self) -> impl Iterator<Item = &String> {
        self.leaves.iter().flat_map(|leaf| &leaf.plain)
    }
}

/// A module.
#[derive(Clone, Debug, Default)]
pub(super) struct Module {
    pub(super) units: Vec<Unit>,
    /// Names that imports bind.
    pub(super) imported: BTreeSet<String>,
    /// The names in each calculation, and in each short function.
    pub(super) company: BTreeSet<BTreeSet<String>>,
}

impl Module {
    pub(super) fn of(root: Node<'_>, text: &str) -> Module {
        let mut module = Module::default();
        for node in children(root) {
            module.take(node, text);
        }
        sums(root, text, &mut module.company, 0);
        module
    }

    fn take(&mut self, node: Node<'_>, text: &str) {
        let defined = node.child_by_field_name("definition").unwrap_or(node);
        let name = defined.child_by_field_name("name").map(|name| of(name, text));
        match defined.kind() {
            "import_statement" | "import_from_statement" | "future_import_statement" => {
                bound(node, text, &mut self.imported);
            }
            "class_definition" if is_record(defined) => {
                let class = name.unwrap_or_default();
                let body = defined.child_by_field_name("body");
                for field in body.into_iter().flat_map(children) {
                    self.statement(field, text, Some(&class));
                }
            }
            "function_definition" | "class_definition" => {
                let name = name.unwrap_or_default();
                let label = format!("`{name}`");
                self.push(Kind::Definition, Some(name), label, node, text);
            }
            _ => self.statement(node, text, None),
        }
    }

    fn statement(&mut self, node: Node<'_>, text: &str, class: Option<&str>) {
        let inner = node.named_child(0).filter(|_| node.kind() == "expression_statement");
        let left = inner
            .filter(|inner| inner.kind() == "assignment")
            .and_then(|inner| inner.child_by_field_name("left"));
        let is_said = |inner: Node<'_>| {
            let called = inner.child_by_field_name("function").map(|called| of(called, text));
            inner.kind() == "string" || called.as_deref() == Some("print")
        };
        match (left, inner) {
            (Some(left), _) if left.kind() == "identifier" => {
                let name = of(left, text);
                let label = match class {
                    Some(class) => format!("`{class}.{name}`"),
                    None => format!("`{name}`"),
                };
                self.push(Kind::Constant, Some(name), label, node, text);
            }
            // What is said changes nothing.
            (None, Some(inner)) if is_said(inner) => {}
            _ if matches!(node.kind(), "comment" | "pass_statement") => {}
            _ => {
                let line = node.start_position().row + 1;
                let first = text[node.byte_range()].lines().next().unwrap_or_default();
                let first: String = first.chars().filter(|c| *c != '`').take(40).collect();
                self.push(Kind::Statement, None, format!("line {line} `{first}`"), node, text);
            }
        }
    }

    fn push(
        &mut self,
        kind: Kind,
        name: Option<String>,
        label: String,
        node: Node<'_>,
        text: &str,
    ) {
        let mut leaves = Vec::new();
        let is_outer = kind != Kind::Definition;
        gather(node, text, &Place { within: "", is_outer }, &mut leaves, 0);
        if leaves.len() <= TINY && leaves.iter().all(|leaf| !leaf.within.is_empty()) {
            self.company.insert(leaves.iter().flat_map(|leaf| leaf.plain.clone()).collect());
        }
        self.units.push(Unit { kind, name, label, leaves });
    }
}

fn children<'t>(node: Node<'t>) -> impl Iterator<Item = Node<'t>> {
    let mut cursor = node.walk();
    let children: Vec<Node<'t>> = node.named_children(&mut cursor).collect();
    children.into_iter()
}

fn of(node: Node<'_>, text: &str) -> String {
    text[node.byte_range()].to_owned()
}

/// Whether a class has nothing but fields, as a dataclass of settings.
fn is_record(class: Node<'_>) -> bool {
    let Some(body) = class.child_by_field_name("body") else { return false };
    let mut fields = 0;
    for statement in children(body).filter(|node| node.kind() != "comment") {
        let inner = statement.named_child(0).map_or("", |inner| inner.kind());
        match (statement.kind(), inner) {
            ("expression_statement", "assignment") => fields += 1,
            ("expression_statement", "string") | ("pass_statement", _) => {}
            _ => return false,
        }
    }
    fields > 0
}

/// The names that an import binds.
fn bound(node: Node<'_>, text: &str, names: &mut BTreeSet<String>) {
    let mut cursor = node.walk();
    for name in node.children_by_field_name("name", &mut cursor) {
        let bound = name.child_by_field_name("alias").unwrap_or(name);
        let bound = of(bound, text);
        names.extend(bound.split('.').next().map(str::to_owned));
    }
}

/// Where a statement stands.
struct Place<'a> {
    /// The function around it.
    within: &'a str,
    /// Whether variables that are set are the module's.
    is_outer: bool,
}

/// The leaves of a statement: simple statements, and the heads of compound ones.
fn gather(node: Node<'_>, text: &str, place: &Place<'_>, leaves: &mut Vec<Leaf>, depth: usize) {
    if depth > DEPTH {
        return;
    }
    let name = node.child_by_field_name("name").filter(|_| node.kind() == "function_definition");
    let name = name.map(|name| of(name, text));
    let within = name.as_deref().unwrap_or(place.within);
    let mut leaf = Leaf { within: within.to_owned(), ..Leaf::default() };
    let is_outer = place.is_outer;
    let mut blocks = Vec::new();
    read(node, text, &mut Reading { is_outer, leaf: &mut leaf, blocks: &mut blocks }, depth);
    let is_said =
        |leaf: &Leaf| matches!(leaf.tokens.as_slice(), [one] if leaf.literals.contains(one));
    if !leaf.tokens.is_empty() && !is_said(&leaf) {
        leaves.push(leaf);
    }
    for block in blocks {
        let place = Place { within, is_outer: is_outer && name.is_none() };
        for statement in children(block).filter(|node| node.kind() != "comment") {
            gather(statement, text, &place, leaves, depth + 1);
        }
    }
}

/// What is read from a statement.
struct Reading<'a, 't> {
    /// Whether variables that are set are the module's.
    is_outer: bool,
    leaf: &'a mut Leaf,
    blocks: &'a mut Vec<Node<'t>>,
}

/// Takes the tokens of `node` into the leaf, but for the blocks in it.
fn read<'t>(node: Node<'t>, text: &str, reading: &mut Reading<'_, 't>, depth: usize) {
    let leaf = &mut *reading.leaf;
    match node.kind() {
        "block" => return reading.blocks.push(node),
        "comment" | "line_continuation" => return,
        "string" | "integer" | "float" | "true" | "false" | "none" => {
            let literal = of(node, text);
            // A key is as good as a name.
            let inner = literal.trim_matches(['"', '\'']);
            if node.kind() == "string" && is_name(inner) {
                leaf.names.insert(inner.to_owned());
            }
            leaf.literals.insert(literal.clone());
            if node.kind() != "string" || !literal.contains('{') {
                return leaf.tokens.push(literal);
            }
        }
        "identifier" => {
            let name = of(node, text);
            leaf.plain.insert(name.clone());
            leaf.names.insert(name);
        }
        kind => slot(node, kind, text, reading.is_outer, leaf),
    }
    if node.child_count() == 0 {
        let token = of(node, text);
        // Commas at the end of a list are layout.
        if !matches!(token.as_str(), "," | "(" | ")" | ";") {
            leaf.tokens.push(token);
        }
    }
    if depth > DEPTH {
        return;
    }
    // An attribute or a keyword is no variable.
    let part = match node.kind() {
        "attribute" => node.child_by_field_name("attribute"),
        "keyword_argument" => node.child_by_field_name("name"),
        _ => None,
    };
    let mut cursor = node.walk();
    let children: Vec<Node<'t>> = node.children(&mut cursor).collect();
    for child in children {
        if Some(child) == part {
            let name = of(child, text);
            reading.leaf.names.insert(name.clone());
            reading.leaf.tokens.push(name);
        } else {
            read(child, text, reading, depth + 1);
        }
    }
}

/// Remembers what `node` sets.
fn slot(node: Node<'_>, kind: &str, text: &str, is_outer: bool, leaf: &mut Leaf) {
    let (name, value) = match kind {
        "keyword_argument" | "default_parameter" | "typed_default_parameter" => ("name", "value"),
        "pair" => ("key", "value"),
        "assignment" | "augmented_assignment" => ("left", "right"),
        _ => return,
    };
    let Some(name) = node.child_by_field_name(name) else { return };
    let value = node.child_by_field_name(value).map(|value| of(value, text)).unwrap_or_default();
    let is_attribute = name.kind() == "attribute";
    let names = match name.kind() {
        "attribute" => name.child_by_field_name("attribute").into_iter().collect(),
        "pattern_list" | "tuple_pattern" => children(name).collect(),
        _ => vec![name],
    };
    for name in names {
        let name = of(name, text).trim_matches(['"', '\'']).to_owned();
        if !is_name(&name) {
            continue;
        }
        if kind.ends_with("assignment") && (is_outer || is_attribute) {
            leaf.assigned.insert(name.clone());
        }
        leaf.slots.insert((name, value.clone()));
    }
}

fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The names of every outermost calculation.
fn sums(node: Node<'_>, text: &str, all: &mut BTreeSet<BTreeSet<String>>, depth: usize) {
    if depth > DEPTH {
        return;
    }
    if matches!(node.kind(), "binary_operator" | "comparison_operator") {
        let mut leaf = Leaf::default();
        let mut reading = Reading { is_outer: false, leaf: &mut leaf, blocks: &mut Vec::new() };
        read(node, text, &mut reading, depth);
        all.insert(leaf.names);
        return;
    }
    for child in children(node) {
        sums(child, text, all, depth + 1);
    }
}
