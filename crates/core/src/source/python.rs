//! Python as a stream of tokens, taken from the syntax tree.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use tree_sitter::{Node, ParseOptions, ParseState, Parser, Point, Tree};

use super::literal;

/// Larger texts are not parsed: no target that a person reads is.
pub const MAX_BYTES: usize = 4 << 20;

/// How deep constant arithmetic such as `-(2**17)` may nest and still be a
/// number.
const MAX_ARITHMETIC: usize = 8;

/// The syntax tree of a Python text, in which broken places are nodes of their
/// own. `None` for a text beyond [`MAX_BYTES`] or one made to keep the parser
/// busy; the limit is in steps of the parser, so it does not depend on the
/// machine.
///
/// The grammar errs where a line inside brackets stands left of its block right
/// after an operator; whoever uses the tree must live with nodes of errors in
/// good programs.
pub fn tree(text: &str) -> Option<Tree> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_python::LANGUAGE.into()).ok()?;
    // The parser reports every hundred steps; a program needs about one step a
    // byte.
    let mut reports_left = 1_000 + text.len();
    let mut progress = |_: &ParseState| {
        reports_left = reports_left.saturating_sub(1);
        if reports_left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut read = |at: usize, _: Point| text.as_bytes().get(at..).unwrap_or_default();
    let options = ParseOptions::new().progress_callback(&mut progress);
    parser.parse_with_options(&mut read, None, Some(options))
}

/// The first error in document order.
pub(super) fn syntax_error(text: &str) -> Option<(usize, String)> {
    let tree = tree(text)?;
    if !tree.root_node().has_error() {
        return None;
    }
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        let line = node.start_position().row + 1;
        if node.is_missing() {
            return Some((line, format!("`{}` is missing", node.kind())));
        }
        if node.is_error() {
            let shown: String = text[node.byte_range()]
                .trim()
                .chars()
                .take_while(|c| *c != '\n')
                .take(60)
                .collect();
            return Some((line, format!("`{shown}` does not parse")));
        }
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return Some((1, "the text does not parse".to_owned()));
            }
        }
    }
}

/// What a kind of node is to the walk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Outermost,
    Block,
    /// Comments, continued lines, semicolons.
    Layout,
    String,
    /// Strings side by side, which are one.
    Strings,
    Number,
    Arithmetic,
    Constant,
    Other,
}

/// By number of the kind, since comparing names is most of the cost of a walk.
static ROLES: LazyLock<Vec<Role>> = LazyLock::new(|| {
    let language = tree_sitter::Language::from(tree_sitter_python::LANGUAGE);
    (0..u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX))
        .map(|id| match language.node_kind_for_id(id).unwrap_or_default() {
            "module" => Role::Outermost,
            "block" => Role::Block,
            "comment" | "line_continuation" | ";" => Role::Layout,
            "string" => Role::String,
            "concatenated_string" => Role::Strings,
            "integer" | "float" => Role::Number,
            "unary_operator" | "binary_operator" | "parenthesized_expression" => Role::Arithmetic,
            "true" | "false" | "none" => Role::Constant,
            _ => Role::Other,
        })
        .collect()
});

fn role(node: Node<'_>) -> Role {
    if node.is_error() {
        return Role::Outermost;
    }
    ROLES.get(usize::from(node.kind_id())).copied().unwrap_or(Role::Other)
}

/// What a token counts as when two programs are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Names, operators, keywords, brackets.
    Plain,
    /// A value that the scope `hyperparameters` may change.
    Literal,
    /// A string that stands alone as a statement.
    Docstring,
    /// The ends of statements, the starts and ends of blocks.
    Structure,
}

struct Token<'t> {
    kind: Kind,
    text: Cow<'t, str>,
    /// First and last line, counted from 0.
    lines: (usize, usize),
}

/// The tokens of a text, and whether it parsed without an error.
pub(super) struct Tokens<'t> {
    tokens: Vec<Token<'t>>,
    pub(super) parsed: bool,
}

/// `None` where there is no tree.
pub(super) fn tokens(text: &str) -> Option<Tokens<'_>> {
    let tree = tree(text)?;
    let mut walk =
        Walk { text, end: 0, parents: Vec::new(), tokens: Vec::with_capacity(text.len() / 4) };
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if walk.enter(node) && cursor.goto_first_child() {
            walk.parents.push(node);
            continue;
        }
        loop {
            walk.leave(cursor.node());
            if cursor.goto_next_sibling() {
                break;
            }
            walk.parents.pop();
            if !cursor.goto_parent() {
                walk.gap(text.len(), text.lines().count());
                return Some(Tokens { tokens: walk.tokens, parsed: !tree.root_node().has_error() });
            }
        }
    }
}

/// Collects tokens while a cursor goes through the tree, depth first.
struct Walk<'t, 'tree> {
    text: &'t str,
    /// From the root down to the parent of the node being visited; asking a
    /// node for its parent is a search from the root.
    parents: Vec<Node<'tree>>,
    /// Up to where the text is accounted for.
    end: usize,
    tokens: Vec<Token<'t>>,
}

impl<'t> Walk<'t, '_> {
    /// Takes the node as it is reached; true if its children are to be visited.
    fn enter(&mut self, node: Node<'_>) -> bool {
        let role = role(node);
        if role == Role::Outermost {
            return true;
        }
        self.gap(node.start_byte(), node.start_position().row);
        match role {
            Role::Layout => self.end = self.end.max(node.end_byte()),
            Role::Block => {
                self.push(Kind::Structure, "{".into(), node);
                return true;
            }
            Role::String | Role::Strings => self.string(node),
            Role::Number | Role::Arithmetic if is_number(node, 0) => {
                let text = self.number(node);
                self.push(Kind::Literal, text.into(), node);
            }
            Role::Constant => self.push(Kind::Literal, self.of(node).into(), node),
            _ if node.child_count() == 0 => self.push(Kind::Plain, self.of(node).into(), node),
            _ => return true,
        }
        false
    }

    /// Closes the node when all of it has been seen.
    fn leave(&mut self, node: Node<'_>) {
        if role(node) == Role::Block {
            self.push(Kind::Structure, "}".into(), node);
        } else if self
            .parents
            .last()
            .is_some_and(|parent| matches!(role(*parent), Role::Outermost | Role::Block))
            && role(node) != Role::Layout
        {
            self.push(Kind::Structure, ";".into(), node);
        }
    }

    fn of(&self, node: Node<'_>) -> &'t str {
        &self.text[node.byte_range()]
    }

    fn push(&mut self, kind: Kind, text: Cow<'t, str>, node: Node<'_>) {
        if kind != Kind::Structure {
            self.end = self.end.max(node.end_byte());
        }
        if !text.is_empty() {
            self.tokens.push(Token {
                kind,
                text,
                lines: (node.start_position().row, node.end_position().row),
            });
        }
    }

    /// Text that no node covers must not get lost: whatever is not whitespace
    /// becomes a token.
    fn gap(&mut self, start: usize, line: usize) {
        if let Some(gap) =
            self.text.get(self.end..start).map(str::trim).filter(|gap| !gap.is_empty())
        {
            self.tokens.push(Token { kind: Kind::Plain, text: gap.into(), lines: (line, line) });
        }
        self.end = self.end.max(start);
    }

    /// One token for a string with all its parts; what is interpolated makes it
    /// code, which is compared as it stands.
    fn string(&mut self, node: Node<'_>) {
        let alone = self.parents.last().is_some_and(|parent| {
            parent.kind() == "expression_statement" && parent.named_child_count() == 1
        });
        let kind = if alone { Kind::Docstring } else { Kind::Literal };
        let parts: Option<String> = if role(node) == Role::String {
            self.one_string(node)
        } else {
            let mut cursor = node.walk();
            node.named_children(&mut cursor)
                .filter(|part| !part.is_extra())
                .map(|part| self.one_string(part))
                .collect()
        };
        match parts {
            Some(text) => self.push(kind, text.into(), node),
            None => self.push(Kind::Plain, self.of(node).into(), node),
        }
    }

    fn one_string(&self, node: Node<'_>) -> Option<String> {
        let mut cursor = node.walk();
        let (mut start, mut end) = (None, None);
        for part in node.children(&mut cursor) {
            match part.kind() {
                "string_start" => start = Some(part),
                "string_content" => {}
                "string_end" => end = Some(part),
                _ => return None,
            }
        }
        let (start, end) = (start?, end?);
        let contents = self.text.get(start.end_byte()..end.start_byte())?;
        Some(literal::string(self.of(start), contents))
    }

    fn number(&self, node: Node<'_>) -> String {
        if role(node) == Role::Number {
            return literal::number(self.of(node));
        }
        if node.child_count() == 0 {
            return self.of(node).to_owned();
        }
        let mut cursor = node.walk();
        node.children(&mut cursor)
            .filter(|child| !child.is_extra())
            .map(|child| self.number(child))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Whether the node is a number or arithmetic on nothing but numbers.
fn is_number(node: Node<'_>, depth: usize) -> bool {
    match role(node) {
        Role::Number => true,
        Role::Arithmetic if depth < MAX_ARITHMETIC => (0..node.named_child_count())
            .filter_map(|i| node.named_child(u32::try_from(i).ok()?))
            .filter(|child| !child.is_extra())
            .all(|child| is_number(child, depth + 1)),
        _ => false,
    }
}

impl Tokens<'_> {
    /// The tokens as one text, equal only for equal tokens.
    pub(super) fn canonical(&self) -> String {
        let mut canonical =
            String::with_capacity(self.tokens.iter().map(|token| token.text.len() + 1).sum());
        for token in &self.tokens {
            canonical.push_str(&token.text);
            canonical.push(if token.kind == Kind::Structure { '\n' } else { ' ' });
        }
        canonical
    }

    /// Lines that hold at least a piece of a token that runs.
    pub(super) fn code_lines(&self) -> u64 {
        let mut counted = 0;
        let mut next_line = 0;
        for token in &self.tokens {
            if matches!(token.kind, Kind::Plain | Kind::Literal) {
                let (first, last) = (token.lines.0.max(next_line), token.lines.1);
                counted += (last + 1).saturating_sub(first) as u64;
                next_line = next_line.max(last + 1);
            }
        }
        counted
    }

    pub(super) fn same_but_for_literals(&self, after: &Tokens<'_>) -> Result<(), String> {
        let mut ours = self.tokens.iter();
        for theirs in &after.tokens {
            let Some(ours) = ours.next() else {
                return Err(differs(None, theirs));
            };
            let same = ours.kind == theirs.kind
                && (ours.kind == Kind::Literal || ours.text == theirs.text);
            if !same {
                return Err(differs(Some(ours), theirs));
            }
        }
        match ours.next() {
            None => Ok(()),
            Some(gone) => Err(format!("{} at the end is gone", shown(gone))),
        }
    }
}

fn differs(before: Option<&Token<'_>>, after: &Token<'_>) -> String {
    let mut what = format!("line {} changes more than a literal value: ", after.lines.0 + 1);
    // Writing to a String cannot fail.
    let _ = match before {
        Some(before) => write!(what, "{} became {}", shown(before), shown(after)),
        None => write!(what, "{} is new", shown(after)),
    };
    what
}

fn shown(token: &Token<'_>) -> String {
    match (token.kind, token.text.as_ref()) {
        (Kind::Structure, "{") => "the start of a block".to_owned(),
        (Kind::Structure, "}") => "the end of a block".to_owned(),
        (Kind::Structure, _) => "the end of a statement".to_owned(),
        (Kind::Docstring, _) => "a docstring".to_owned(),
        (Kind::Plain | Kind::Literal, text) => {
            let line: String = text.chars().take_while(|c| *c != '\n').take(40).collect();
            format!("`{line}`")
        }
    }
}
