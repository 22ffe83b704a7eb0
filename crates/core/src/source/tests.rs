use proptest::prelude::*;

use super::*;

const PROGRAM: &str = r#""""What it is."""
import math  # for the schedule

LR = 1e-3
SIZES = [784, 200, 10]
NAME = 'it''s'

# The model.
class Model:
    """A model."""

    dropout: float = 0.10

    def forward(self, x):
        if x: return -1
        y = f"{x:.3f} done"; z = 2**17
        return (x +
                1_000)


if __name__ == "__main__":
    Model().forward(0x10)
"#;

fn same(one: &str, other: &str) -> bool {
    normalised("a.py", one) == normalised("a.py", other)
}

#[test]
fn literals_have_one_spelling() {
    for (one, other) in [
        ("x = 1e-3", "x = 0.001"),
        ("x = 0.10", "x = .1"),
        ("x = 1_000", "x = 1000"),
        ("x = 0xff", "x = 255"),
        ("x = 'a'", "x = \"a\""),
        (r"x = 'it\'s'", r#"x = "it's""#),
        ("x = u'a'", "x = '''a'''"),
        ("x = 10J", "x = 1e1j"),
    ] {
        assert!(same(one, other), "{one} and {other}");
    }
}

#[test]
fn layout_and_comments_do_not_make_another_program() {
    for (one, other) in [
        ("x = 1; y = 2\n", "x = 1\ny = 2"),
        ("if x: y = 1", "if x:\n        y = 1\n"),
        ("f(a,\n  b)", "f(a, b)  # both"),
        ("x = 1 + \\\n  2", "x = 1 + 2"),
        ("x = 1\r\ny = 2\r\n", "x = 1\ny = 2\n"),
        ("\u{feff}x = 1", "x = 1"),
    ] {
        assert!(same(one, other), "{one:?} and {other:?}");
    }
}

#[test]
fn another_program_is_another() {
    for (one, other) in [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = -1"),
        ("x = 'a b'", "x = 'a  b'"),
        ("x = f'{y} b'", "x = f'{y}  b'"),
        ("x = f'{y:.3f}'", "x = f'{y:.4f}'"),
        ("x = b'a'", "x = 'a'"),
        ("x = r'\\''", "x = '\\''"),
        ("if x:\n    a()\n    b()", "if x:\n    a()\nb()"),
        ("x = (1,)", "x = (1)"),
        ("a\nb", "a.b"),
        // Python ends a line at a lone carriage return, so this is code.
        ("# off\rx = 1", "# off\rx = 2"),
        ("x = 'a' 'b'", "x = 'a', 'b'"),
        ("print(x, file=y)", "print(x, y)"),
    ] {
        assert!(!same(one, other), "{one:?} and {other:?}");
    }
}

#[test]
fn what_does_not_parse_is_compared_by_its_lines() {
    assert_eq!(normalised("a.py", "def (:  \r\n\n  x"), "def (:\n  x\n");
    assert_eq!(normalised("a.rs", "fn a() {} \n\n"), "fn a() {}\n");
}

#[test]
fn code_lines_leave_comments_docstrings_and_blank_lines_out() {
    assert_eq!(code_lines("a.py", PROGRAM), 13);
    assert_eq!(code_lines("a.py", "x = '''a\n\nb'''\n# no\n"), 3);
    assert_eq!(code_lines("a.rs", "// no\n\nfn a() {\n    // no\n}\n"), 2);
    assert_eq!(code_lines("a.sql", "-- no\nselect 1;\n"), 1);
    assert_eq!(code_lines("a.py", "# no\ndef (:\n"), 1);
    assert_eq!(code_lines("notes.txt", "# yes\n"), 1);
}

#[test]
fn other_literals_are_within_the_scope() {
    let edits = [
        ("1e-3", "3e-4"),
        ("784", "-1"),
        ("200", "None"),
        ("0.10", "True"),
        ("2**17", "3 * 2**15"),
        ("0x10", "'relu'"),
        ("# The model.", "# Another."),
        ("1_000)", "\n                 5)  # more"),
    ];
    for (from, to) in edits {
        let after = PROGRAM.replacen(from, to, 1);
        assert_ne!(after, PROGRAM);
        assert_eq!(differs_only_in_literals("a.py", PROGRAM, &after), Ok(()), "{from} to {to}");
    }
}

#[test]
fn anything_else_is_outside_the_scope_and_named_with_its_line() {
    let check = |from: &str, to: &str| {
        let after = PROGRAM.replacen(from, to, 1);
        assert_ne!(after, PROGRAM);
        differs_only_in_literals("a.py", PROGRAM, &after).unwrap_err()
    };
    assert_eq!(
        check("LR =", "RATE ="),
        "line 4 changes more than a literal value: `LR` became `RATE`"
    );
    assert_eq!(
        check("784, ", "784, 300, "),
        "line 5 changes more than a literal value: `]` became `,`"
    );
    assert!(check("A model.", "The model.").contains("docstring"));
    assert!(check(".3f", ".4f").starts_with("line 16"));
    assert!(check("if x: return -1", "if x: return y").starts_with("line 15"));
    assert!(check("    Model().forward", "    pass\n    Model().forward").starts_with("line 22"));
    assert!(
        check("\n\nif __name__ == \"__main__\":\n    Model().forward(0x10)", "")
            .contains("is gone")
    );
    assert!(differs_only_in_literals("a.rs", "1", "2").unwrap_err().contains("not Python"));
}

#[test]
fn a_syntax_error_has_its_line() {
    assert_eq!(syntax_error("a.py", PROGRAM), None);
    assert_eq!(syntax_error("a.py", "x = 1\ndef f(:\n  pass\n").map(|(line, _)| line), Some(2));
    assert_eq!(syntax_error("a.rs", "def f(:"), None);
}

#[test]
fn depth_and_size_are_no_danger() {
    for piece in
        ["(", "[", "-", "1+", "x+", "not ", "f(", "if x:\n ", "f'{", "'", "\\", "lambda:", "a if "]
    {
        let deep = piece.repeat(20_000);
        let _ = normalised("a.py", &deep);
        let _ = code_lines("a.py", &deep);
        let _ = differs_only_in_literals("a.py", &deep, PROGRAM);
        let _ = syntax_error("a.py", &deep);
    }
    let mut nested = String::new();
    for depth in 0..600 {
        nested.extend(std::iter::repeat_n(' ', depth));
        nested.push_str("if x:\n");
    }
    let _ = normalised("a.py", &nested);
    let long = "x = 1\n".repeat(MAX_BYTES / 4);
    assert_eq!(code_lines("a.py", &long), MAX_BYTES as u64 / 4);
}

proptest! {
    #[test]
    fn comments_blank_lines_and_trailing_space_do_not_matter(
        places in prop::collection::vec((0..PROGRAM.lines().count(), "(  |\t)?(# [a-z'\"]{0,8})?|\n|  \n# x\n"), 0..12)
    ) {
        let mut lines: Vec<String> = PROGRAM.lines().map(str::to_owned).collect();
        for (place, added) in places {
            let line = &mut lines[place];
            // Inside brackets the grammar takes a comment at the margin for
            // the end of a block; see `tree`.
            if !line.ends_with('+') && !line.contains('#') && !line.ends_with([' ', '\n']) {
                line.push_str(&added);
            }
        }
        let changed = lines.join("\n");
        prop_assert_eq!(normalised("a.py", &changed), normalised("a.py", PROGRAM));
        prop_assert_eq!(differs_only_in_literals("a.py", PROGRAM, &changed), Ok(()));
        prop_assert_eq!(code_lines("a.py", &changed), code_lines("a.py", PROGRAM));
    }

    #[test]
    fn any_text_is_fine(text in ".*|[-a-z0-9_ \n\t\r'\"#:=(){}\\[\\].,;\\\\f]{0,300}") {
        let canonical = normalised("a.py", &text);
        prop_assert_eq!(&canonical, &normalised("a.py", &text));
        let _ = (code_lines("a.py", &text), syntax_error("a.py", &text));
        prop_assert_eq!(differs_only_in_literals("a.py", &text, &text), Ok(()));
        let _ = normalised("a.rs", &text);
    }

    #[test]
    fn another_number_is_another_program_within_the_scope(value in any::<f64>()) {
        prop_assume!(value.is_finite() && (value - 0.001).abs() > 1e-9);
        let after = PROGRAM.replacen("1e-3", &format!("{value:?}"), 1);
        prop_assert_ne!(normalised("a.py", &after), normalised("a.py", PROGRAM));
        prop_assert_eq!(differs_only_in_literals("a.py", PROGRAM, &after), Ok(()));
    }
}
