use proptest::prelude::*;
use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

use super::*;
use crate::answer::lines;
use crate::blocks::{self, Marks};
use crate::json;

fn block(path: Option<&str>, search: &str, replace: &str) -> Block {
    Block { path: path.map(str::to_owned), search: lines(search), replace: lines(replace) }
}

fn one(text: &str) -> Texts {
    Texts::from([("t.py".to_owned(), text.to_owned())])
}

/// The text after the blocks, or what is wrong.
fn after(before: &str, blocks: &[Block]) -> Result<String, String> {
    let edits = apply(&one(before), blocks).map_err(|wrong| wrong.join("\n"))?;
    Ok(String::from_utf8(edits[0].content.clone().unwrap()).unwrap())
}

#[test]
fn several_blocks_search_the_file_as_it_is_in_any_order() {
    let before = "a = 1\nb = 2\nc = 3\nd = 4\n";
    let blocks =
        [block(None, "d = 4", "a = 1\ne = 5"), block(Some("t.py"), "a = 1\nb = 2\n", "b = 9")];
    assert_eq!(after(before, &blocks).unwrap(), "b = 9\nc = 3\na = 1\ne = 5\n");
    assert_eq!(after(before, &[block(None, "b = 2", "")]).unwrap(), "a = 1\nc = 3\nd = 4\n");
}

#[test]
fn ends_of_lines_stay_as_the_file_has_them() {
    assert_eq!(after("a\r\nb\r\n", &[block(None, "a\nb", "x\ny")]).unwrap(), "x\r\ny\r\n");
    assert_eq!(after("a\nb", &[block(None, "b", "c\nd")]).unwrap(), "a\nc\nd");
    // Where both occur, lines are what a line feed ends.
    assert_eq!(after("a\r\nb\nc\n", &[block(None, "b", "x")]).unwrap(), "a\r\nx\nc\n");
    assert_eq!(after("für\n∑\n", &[block(None, "∑", "∏")]).unwrap(), "für\n∏\n");
}

#[test]
fn a_search_is_of_whole_lines_and_found_exactly_once() {
    let before = "lr = 0.1\nx = 1\n    lr = 0.1\nx = 10\ny\nx = 1\n";
    assert!(after(before, &[block(None, "lr = 0.1", "lr = 0.2")]).unwrap().starts_with("lr = 0.2"));
    let twice = after(before, &[block(None, "x = 1", "x = 2")]).unwrap_err();
    assert!(twice.contains("found 2 times in `t.py` (at lines 2, 6)"), "{twice}");
    let part = after(before, &[block(None, "x = 1\nlr", "")]).unwrap_err();
    assert!(
        part.contains("The nearest lines there, from line 2, are:\nx = 1\n    lr = 0.1\n"),
        "{part}"
    );
}

#[test]
fn what_is_missing_is_shown_the_nearest_place() {
    let before = "def f():\n    lr = 0.1  # rate\n    return lr\n";
    let wrong = |search: &str| after(before, &[block(None, search, "x")]).unwrap_err();
    let spaces = wrong("def f():\n  lr = 0.1  # rate");
    assert!(spaces.contains("differs only in spaces"), "{spaces}");
    assert!(spaces.contains("from line 1, are:\ndef f():\n    lr = 0.1  # rate\n(end"), "{spaces}");
    let part = wrong("    lr = 0.1");
    assert!(part.contains("whole lines, and this is a part of one"), "{part}");
    assert!(wrong("zzz").contains("Nothing there is like it"));
}

#[test]
fn blocks_that_overlap_or_go_elsewhere_are_refused_all_at_once() {
    let blocks = [
        block(None, "a\nb", "x"),
        block(None, "b\nc", "y"),
        block(Some("prepare.py"), "a", "z"),
        block(None, "nowhere to be found", ""),
    ];
    let wrong = apply(&one("a\nb\nc\n"), &blocks).unwrap_err();
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert!(wrong[0].contains("block 3: `prepare.py` is not a target"), "{wrong:?}");
    assert!(wrong[2].contains("blocks 1 and 2 overlap"), "{wrong:?}");
    let two = Texts::from([("a".to_owned(), "x\n".to_owned()), ("b".to_owned(), "x\n".to_owned())]);
    let wrong = apply(&two, &[block(None, "x", "y")]).unwrap_err();
    assert!(wrong[0].contains("does not say which file"), "{wrong:?}");
}

#[test]
fn a_whole_file_is_replaced_only_where_it_is_small() {
    assert_eq!(after("", &[block(None, "", "a\nb")]).unwrap(), "a\nb\n");
    assert_eq!(after("x\ny\n", &[block(None, "\n", "a")]).unwrap(), "a\n");
    let long = "line\n".repeat(WHOLE + 1);
    assert!(after(&long, &[block(None, "", "a")]).unwrap_err().contains("has 101"));
    let two = [block(None, "", "a"), block(None, "", "b")];
    assert!(after("", &two).unwrap_err().contains("overlap"));
}

#[test]
fn an_edit_that_changes_nothing_is_told_so() {
    assert!(after("a\n", &[block(None, "a", "a")]).unwrap_err().contains("changes nothing"));
}

/// The blocks that a model would write for a change: each hunk of its diff,
/// with as much around it as makes it unique.
fn blocks_of(before: &[String], after: &[String]) -> Vec<Block> {
    let whole = vec![Block { path: None, search: Vec::new(), replace: after.to_vec() }];
    for radius in 0..=before.len() {
        let operations = capture_diff_slices(Algorithm::Myers, before, after);
        let hunks = group_diff_ops(operations, radius);
        let blocks: Vec<Block> = hunks
            .iter()
            .map(|hunk| {
                let (first, last) = (&hunk[0], &hunk[hunk.len() - 1]);
                let old = first.old_range().start..last.old_range().end;
                let new = first.new_range().start..last.new_range().end;
                Block { path: None, search: before[old].to_vec(), replace: after[new].to_vec() }
            })
            .collect();
        let is_unique = |search: &[String]| {
            search.iter().any(|line| !line.trim().is_empty())
                && before.windows(search.len()).filter(|window| *window == search).count() == 1
        };
        if blocks.iter().all(|block| is_unique(&block.search)) {
            return blocks;
        }
    }
    whole
}

/// A file of lines that are alike, odd or marks themselves.
fn file() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        6 => "[ab]{0,2}",
        1 => "( {0,4})(lr = 0\\.[0-9]|für i in ∑:|'''|```python)",
        1 => "<{7} SEARCH|={7}|>{7} REPLACE|FILE: x|={8}",
    ];
    proptest::collection::vec(line, 0..24)
}

fn written(blocks: &[Block], marks: &Marks) -> String {
    let mut text = "Of course!\nHYPOTHESIS: why not\n\nFILE: t.py\n```python\n".to_owned();
    for block in blocks {
        let all = [
            std::slice::from_ref(&marks.search),
            &block.search[..],
            std::slice::from_ref(&marks.divider),
            &block.replace[..],
            std::slice::from_ref(&marks.replace),
        ];
        for line in all.into_iter().flatten() {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str("```\n\nand\n");
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Through the text of an answer, in both forms, and back.
    #[test]
    fn blocks_of_a_real_diff_give_the_new_text(
        before in file(),
        new in file(),
        keeps in proptest::collection::vec(any::<bool>(), 24),
        is_dos: bool,
        is_ended: bool,
    ) {
        // Mostly the old lines, so that there are several hunks.
        let changed: Vec<String> = (0..before.len().max(new.len()))
            .filter_map(|at| if keeps[at] { before.get(at) } else { new.get(at) }.cloned())
            .collect();
        prop_assume!(before != changed);
        // Without an end of its last line a file cannot say how many blank
        // lines it ends with.
        let is_clear = |lines: &[String]| lines.last().is_some_and(|line| !line.is_empty());
        let is_ended = is_ended || !is_clear(&before) || !is_clear(&changed);
        let end = if is_dos { "\r\n" } else { "\n" };
        let text = |lines: &[String]| {
            let mut text = lines.join(end);
            if is_ended && !lines.is_empty() {
                text.push_str(end);
            }
            text
        };
        let (old_text, new_text) = (text(&before), text(&changed));
        prop_assume!(old_text != new_text && (!is_dos || old_text.contains(end)));
        let targets = one(&old_text);
        let blocks = blocks_of(&before, &changed);

        let texts = [&old_text, &new_text];
        let marks = Marks::for_texts(texts.into_iter().map(String::as_str));
        let read = blocks::read(&written(&blocks, &marks), &marks).unwrap();
        let edits = apply(&targets, &read.edits).map_err(|e| TestCaseError::fail(e.join("\n")))?;
        prop_assert_eq!(std::str::from_utf8(edits[0].content.as_ref().unwrap()).unwrap(), &new_text);

        let join = |lines: &[String]| [lines, &[String::new()]].concat().join("\n");
        let edits: Vec<_> = blocks
            .iter()
            .map(|b| serde_json::json!({ "path": "t.py", "search": join(&b.search), "replace": join(&b.replace) }))
            .collect();
        let answer = serde_json::json!({ "hypothesis": "x", "edits": edits }).to_string();
        let read = json::read(&format!("```json\n{answer}\n```")).unwrap();
        let edits = apply(&targets, &read.edits).map_err(|e| TestCaseError::fail(e.join("\n")))?;
        prop_assert_eq!(std::str::from_utf8(edits[0].content.as_ref().unwrap()).unwrap(), &new_text);
    }

    /// Garbage is an error or changes a target; it never panics and never
    /// reaches another file.
    #[test]
    fn garbage_never_panics_and_never_leaves_the_targets(
        text in "(<{6,8} SEARCH|={6,8}|>{6,8} REPLACE|FILE: [a-z./]{0,6}|[ab{}\":\\[\\]é\r]{0,6}|\n){0,40}",
        before in "[ab\r\n é]{0,20}",
    ) {
        let targets = one(&before);
        let marks = Marks::for_texts([before.as_str()]);
        for answer in [blocks::read(&text, &marks), json::read(&text)].into_iter().flatten() {
            if let Ok(edits) = apply(&targets, &answer.edits) {
                prop_assert!(edits.iter().all(|edit| edit.path == "t.py"));
            }
        }
    }
}

#[test]
fn a_diff_of_two_apart_changes_gives_two_blocks() {
    let lines = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
    let blocks = blocks_of(&lines("abcdefgh"), &lines("aXcdefYh"));
    assert_eq!(blocks.len(), 2);
    assert!(matches!(
        capture_diff_slices(Algorithm::Myers, &["a"], &["b"])[..],
        [DiffOp::Replace { .. }]
    ));
}
