//! Every literal that stands where a setting could stand, with its name.

use std::collections::{BTreeMap, BTreeSet};

use autoresearch_core::proposal::Value;
use tree_sitter::Node;

use super::literal::Literal;
use super::spec::Spec;
use super::words::words;

/// Where a literal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Among the settings of a program: a constant of the module, a field of a
    /// configuration, an option of the command line.
    Setting,
    /// An argument of a call; of a class where `constructor`.
    Keyword {
        /// Whether what is called is named like a class.
        constructor: bool,
    },
    /// Within a function: a variable, a default of a parameter.
    Inside,
}

impl Place {
    /// Whether a name that says nothing may be a knob here.
    pub(super) fn is_for_settings(self) -> bool {
        matches!(self, Place::Setting | Place::Keyword { constructor: true })
    }
}

/// A literal with its name.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) name: String,
    /// The identifier that says what it is.
    pub(super) setting: String,
    pub(super) place: Place,
    pub(super) literal: Literal,
    /// Whose argument it is.
    pub(super) callee: Option<String>,
    /// Declared as a float, however it is written.
    pub(super) real: bool,
    /// What the command line accepts.
    pub(super) choices: Option<Vec<Value>>,
    /// The class or function and the name under which a call may set it.
    default_of: Option<(String, String)>,
    /// The variable, where it is one.
    variable: Option<String>,
}

/// All candidates of a text that decide something, in its order.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) candidates: Vec<Candidate>,
    /// `# search:` comments by the row they speak of.
    specs: BTreeMap<usize, Spec>,
    /// Arguments that some call gives: a default of those is not in force.
    pub(super) given: BTreeSet<(String, String)>,
    /// How often each variable is assigned; augmented counts as many.
    assigned: BTreeMap<String, usize>,
}

impl Collected {
    /// What a comment says about the literals of a row.
    pub(super) fn spec_at(&self, row: usize) -> Option<&Spec> {
        self.specs.get(&row)
    }

    /// Whether the literal does not decide anything: it is the default of what
    /// is always given, or the start of a variable that goes on to change.
    fn is_dead(&self, candidate: &Candidate) -> bool {
        let default = candidate.default_of.as_ref().is_some_and(|key| self.given.contains(key));
        let reassigned = candidate
            .variable
            .as_ref()
            .is_some_and(|name| self.assigned.get(name).is_some_and(|times| *times > 1));
        default || reassigned
    }
}

/// Where the walk is.
#[derive(Clone, Copy, Default)]
pub(super) struct Context<'t> {
    pub(super) function: Option<&'t str>,
    pub(super) class: Option<&'t str>,
    /// In a class that is a set of settings, such as a dataclass.
    pub(super) config_class: bool,
    /// What a dictionary is assigned to.
    pub(super) owner: Option<&'t str>,
    /// In a loop, where numbers are counters.
    pub(super) looped: bool,
}

pub(super) fn candidates(root: Node<'_>, text: &str) -> Collected {
    let mut walk = Walk { text, collected: Collected::default() };
    let mut pending = vec![(root, Context::default())];
    while let Some((node, context)) = pending.pop() {
        let inner = walk.visit(node, context);
        let Some(inner) = inner else { continue };
        let mut cursor = node.walk();
        let children: Vec<_> = node.named_children(&mut cursor).collect();
        pending.extend(children.into_iter().rev().map(|child| (child, inner)));
    }
    let mut collected = walk.collected;
    collected.candidates.sort_by_key(|candidate| candidate.literal.range.start);
    collected
        .candidates
        .dedup_by(|later, earlier| later.literal.range.start < earlier.literal.range.end);
    let all = std::mem::take(&mut collected.candidates);
    let decides = |candidate: &Candidate| {
        !collected.is_dead(candidate) || collected.spec_at(candidate.literal.row).is_some()
    };
    collected.candidates = all.into_iter().filter(decides).collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for candidate in &mut collected.candidates {
        let times = seen.entry(candidate.name.clone()).or_default();
        *times += 1;
        if *times > 1 {
            candidate.name = format!("{}#{times}", candidate.name);
        }
    }
    collected
}

/// What is found of one literal before it is named.
pub(super) struct Named<'n> {
    pub(super) name: String,
    pub(super) setting: &'n str,
    pub(super) place: Place,
    pub(super) callee: Option<&'n str>,
    pub(super) real: bool,
    pub(super) default_of: Option<(String, String)>,
    pub(super) variable: Option<String>,
}

impl<'n> Named<'n> {
    pub(super) fn new(name: String, setting: &'n str, place: Place) -> Self {
        Named { name, setting, place, callee: None, real: false, default_of: None, variable: None }
    }
}

pub(super) struct Walk<'t> {
    pub(super) text: &'t str,
    pub(super) collected: Collected,
}

impl<'t> Walk<'t> {
    pub(super) fn of(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    /// Takes a node; the context for its children, or `None` to pass them by.
    fn visit<'c>(&mut self, node: Node<'_>, context: Context<'c>) -> Option<Context<'c>>
    where
        't: 'c,
    {
        match node.kind() {
            "ERROR"
            | "assert_statement"
            | "decorator"
            | "import_statement"
            | "import_from_statement"
            | "lambda"
            | "raise_statement"
            | "type" => None,
            "comment" => {
                self.comment(node);
                None
            }
            "for_statement" | "while_statement" => Some(Context { looped: true, ..context }),
            "class_definition" => {
                let name = node.child_by_field_name("name").map(|name| self.of(name));
                Some(Context {
                    class: name,
                    config_class: self.is_config(node),
                    function: None,
                    ..context
                })
            }
            "function_definition" => {
                let name = node.child_by_field_name("name").map(|name| self.of(name));
                self.parameters(node, name, context);
                Some(Context { function: name, owner: None, ..context })
            }
            "augmented_assignment" => {
                if let Some(left) = node.child_by_field_name("left") {
                    *self.collected.assigned.entry(scoped(self.of(left), context)).or_default() +=
                        2;
                }
                Some(context)
            }
            "assignment" => {
                let owner = self.assignment(node, context);
                Some(Context { owner, ..context })
            }
            "pair" => {
                self.pair(node, context);
                Some(Context { owner: None, ..context })
            }
            "call" => self.call(node).then_some(Context { owner: None, ..context }),
            _ => Some(context),
        }
    }

    fn comment(&mut self, node: Node<'_>) {
        let words = self.of(node).trim_start_matches('#').trim_start();
        let Some(spec) = words.strip_prefix("search:").and_then(|spec| Spec::parse(spec).ok())
        else {
            return;
        };
        let row = node.start_position().row;
        let line_start = self
            .text
            .get(..node.start_byte())
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |at| at + 1);
        let alone = self
            .text
            .get(line_start..node.start_byte())
            .is_some_and(|before| before.trim().is_empty());
        self.collected.specs.insert(if alone { row + 1 } else { row }, spec);
    }

    fn is_config(&self, class: Node<'_>) -> bool {
        const MARKS: [&str; 8] = [
            "config",
            "cfg",
            "args",
            "arguments",
            "params",
            "hyperparameters",
            "settings",
            "options",
        ];
        let named = class.child_by_field_name("name").is_some_and(|name| {
            words(self.of(name))
                .iter()
                .any(|word| MARKS.contains(&word.as_str()) || word.ends_with("config"))
        });
        let bases = class
            .child_by_field_name("superclasses")
            .map(|bases| self.of(bases))
            .unwrap_or_default();
        let decorated = class
            .parent()
            .filter(|parent| parent.kind() == "decorated_definition")
            .is_some_and(|parent| {
                self.text
                    .get(parent.start_byte()..class.start_byte())
                    .is_some_and(|above| above.contains("dataclass"))
            });
        named || decorated || bases.contains("NamedTuple") || bases.contains("BaseModel")
    }

    /// The literal, or the literals of a list; a bare list of anything else is
    /// no setting.
    pub(super) fn add(&mut self, value: Node<'_>, named: &Named<'_>) {
        if let Some(literal) = Literal::of(value, self.text) {
            self.push(literal, named, None);
            return;
        }
        if !matches!(value.kind(), "tuple" | "list") {
            return;
        }
        let mut cursor = value.walk();
        let elements: Vec<_> =
            value.named_children(&mut cursor).filter(|element| !element.is_extra()).collect();
        let literals: Option<Vec<_>> =
            elements.iter().map(|element| Literal::of(*element, self.text)).collect();
        let Some(literals) = literals.filter(|literals| (1..=8).contains(&literals.len())) else {
            return;
        };
        let number = |literal: &Literal| matches!(literal.value, Value::Int(_) | Value::Float(_));
        if !literals.iter().all(number) {
            return;
        }
        // `[784, 200, 10]`: the ends belong to the data.
        let words = words(named.setting);
        let has = |word: &str| words.iter().any(|have| have == word);
        let ends_are_data = literals.len() >= 3 && has("layer") && has("sizes") && !has("hidden")
            || literals.len() >= 3
                && matches!(named.setting, "layers" | "dims" | "sizes" | "widths");
        let last = literals.len() - 1;
        for (i, literal) in literals.into_iter().enumerate() {
            let spoken_of = self.collected.specs.contains_key(&literal.row);
            if !ends_are_data || spoken_of || (i > 0 && i < last) {
                self.push(literal, named, Some(i));
            }
        }
    }

    fn push(&mut self, literal: Literal, named: &Named<'_>, index: Option<usize>) {
        let name = match index {
            None => named.name.clone(),
            Some(i) => match named.name.strip_suffix(')') {
                Some(open) => format!("{open}[{i}])"),
                None => format!("{}[{i}]", named.name),
            },
        };
        let place = match (named.place, index) {
            // An element of a list without a telling name is data.
            (Place::Setting | Place::Keyword { .. }, Some(_)) if !tells(named.setting) => {
                Place::Inside
            }
            (place, _) => place,
        };
        self.collected.candidates.push(Candidate {
            name,
            setting: named.setting.to_owned(),
            place,
            literal,
            callee: named.callee.map(str::to_owned),
            real: named.real,
            choices: None,
            default_of: named.default_of.clone(),
            variable: named.variable.clone(),
        });
    }

    /// The name of what is assigned, for a dictionary on the right.
    fn assignment(&mut self, node: Node<'_>, context: Context<'_>) -> Option<&'t str> {
        let left = node.child_by_field_name("left")?;
        let right = node.child_by_field_name("right");
        if left.kind() == "pattern_list" {
            self.several(left, right?, context);
            return None;
        }
        let target = self.of(left);
        *self.collected.assigned.entry(scoped(target, context)).or_default() += 1;
        let right = right?;
        let Some(mut named) = self.name_of(left, context) else {
            return Some(target);
        };
        named.real =
            node.child_by_field_name("type").is_some_and(|of| self.of(of).contains("float"));
        named.variable = Some(scoped(target, context));
        if context.class.is_some() && context.function.is_none() {
            named.default_of = context.class.map(|class| (class.to_owned(), target.to_owned()));
            if let Some(default) = self.field_default(right) {
                self.add(default, &named);
            }
        }
        self.add(right, &named);
        Some(target)
    }

    /// `a, b = 0.9, 0.99`.
    fn several(&mut self, left: Node<'_>, right: Node<'_>, context: Context<'_>) {
        let (mut one, mut other) = (left.walk(), right.walk());
        let targets: Vec<_> = left.named_children(&mut one).collect();
        let values: Vec<_> = right.named_children(&mut other).collect();
        let paired = right.kind() == "expression_list" && targets.len() == values.len();
        for (i, target) in targets.into_iter().enumerate() {
            let variable = scoped(self.of(target), context);
            *self.collected.assigned.entry(variable.clone()).or_default() += 1;
            if let (true, Some(mut named)) = (paired, self.name_of(target, context)) {
                named.variable = Some(variable);
                self.add(values[i], &named);
            }
        }
    }

    /// What is assigned to, as a person would name it.
    fn name_of(&self, left: Node<'_>, context: Context<'_>) -> Option<Named<'t>> {
        let target = self.of(left);
        let top = context.function.is_none() && !context.looped;
        let place = if top && (context.class.is_none() || context.config_class) {
            Place::Setting
        } else {
            Place::Inside
        };
        match left.kind() {
            "identifier" => {
                let scope = context.class.into_iter().chain(context.function);
                let name: Vec<&str> = scope.chain([target]).collect();
                Some(Named::new(name.join("."), target, place))
            }
            "attribute" => {
                let attribute = self.of(left.child_by_field_name("attribute")?);
                let name = match (target.strip_prefix("self."), context.class) {
                    (Some(rest), Some(class)) => format!("{class}.{rest}"),
                    _ => target.to_owned(),
                };
                Some(Named::new(name, attribute, place))
            }
            "subscript" => {
                let key = self.key(left.child_by_field_name("subscript")?)?;
                let owner = self.of(left.child_by_field_name("value")?);
                Some(Named::new(format!("{owner}[\"{key}\"]"), key, place))
            }
            _ => None,
        }
    }

    /// The text of a string that is an identifier.
    pub(super) fn key(&self, node: Node<'_>) -> Option<&'t str> {
        let key = self.of(node).trim_matches(['"', '\'']);
        let plain = !key.is_empty()
            && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        (node.kind() == "string" && plain).then_some(key)
    }

    /// `field(default=0.1)` and pydantic's `Field(0.1)`.
    fn field_default<'n>(&self, right: Node<'n>) -> Option<Node<'n>> {
        let function = right.child_by_field_name("function").filter(|_| right.kind() == "call")?;
        if !matches!(last_name(self.of(function)), "field" | "Field") {
            return None;
        }
        let arguments = right.child_by_field_name("arguments")?;
        let mut cursor = arguments.walk();
        arguments.named_children(&mut cursor).enumerate().find_map(|(i, argument)| {
            match argument.kind() {
                "keyword_argument" => {
                    let name = argument.child_by_field_name("name").map(|name| self.of(name));
                    argument.child_by_field_name("value").filter(|_| name == Some("default"))
                }
                _ => (i == 0).then_some(argument),
            }
        })
    }
}

/// A variable in its scope, so that two functions may have one of a name.
fn scoped(target: &str, context: Context<'_>) -> String {
    format!(
        "{}.{}.{target}",
        context.class.unwrap_or_default(),
        context.function.unwrap_or_default()
    )
}

pub(super) fn last_name(callee: &str) -> &str {
    callee.rsplit('.').next().unwrap_or(callee)
}

/// Whether the name of a list says that its elements are settings.
fn tells(setting: &str) -> bool {
    !matches!(super::words::meaning(setting, true, false), super::words::Meaning::Unknown)
}
