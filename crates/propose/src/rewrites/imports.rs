//! The names that a program imports.

use std::collections::BTreeMap;

use tree_sitter::Node;

/// What each stands for: `F` for `torch.nn.functional`. Imports within functions
/// are not looked at.
pub(super) fn imports<'t>(root: Node<'_>, text: &'t str) -> BTreeMap<&'t str, String> {
    let of = |node: Node<'_>| text.get(node.byte_range()).unwrap_or_default();
    let mut imports = BTreeMap::new();
    let mut pending = vec![root];
    while let Some(node) = pending.pop() {
        if matches!(
            node.kind(),
            "expression_statement" | "function_definition" | "class_definition"
        ) {
            continue;
        }
        let from = match node.kind() {
            "import_statement" => None,
            "import_from_statement" => node.child_by_field_name("module_name").map(of),
            _ => {
                let mut cursor = node.walk();
                pending.extend(node.named_children(&mut cursor));
                continue;
            }
        };
        let mut cursor = node.walk();
        for imported in node.children_by_field_name("name", &mut cursor) {
            let (name, alias) =
                match (imported.child_by_field_name("name"), imported.child_by_field_name("alias"))
                {
                    (Some(name), Some(alias)) => (of(name), of(alias)),
                    _ => (of(imported), of(imported)),
                };
            let full = from.map_or_else(|| name.to_owned(), |from| format!("{from}.{name}"));
            if from.is_none() && alias == name {
                // `import torch.nn` binds `torch`.
                let head = name.split('.').next().unwrap_or(name);
                imports.insert(head, head.to_owned());
            } else {
                imports.insert(alias, full);
            }
        }
    }
    imports
}
