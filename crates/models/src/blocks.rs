//! Answers as blocks that search and replace, in the manner of aider, between
//! marks that no line of a target looks like.

use autoresearch_core::proposal::Category;

use crate::answer::{Answer, Block, sentence};

/// The lines that a block is written between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) search: String,
    pub(crate) divider: String,
    pub(crate) replace: String,
}

impl Marks {
    /// The shortest marks, of seven characters or more, that no line of these
    /// texts is.
    pub(crate) fn for_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Marks {
        let mut taken = Vec::new();
        for line in texts.into_iter().flat_map(str::lines) {
            let line = line.trim_end();
            for (mark, end) in [('<', " SEARCH"), ('=', ""), ('>', " REPLACE")] {
                let run = line.strip_suffix(end).unwrap_or_default();
                if !run.is_empty() && run.chars().all(|c| c == mark) {
                    taken.push(run.len());
                }
            }
        }
        // One more than there are taken lengths, so that one is free.
        let free = (7..=7 + taken.len()).find(|length| !taken.contains(length)).unwrap_or(7);
        Marks {
            search: format!("{} SEARCH", "<".repeat(free)),
            divider: "=".repeat(free),
            replace: format!("{} REPLACE", ">".repeat(free)),
        }
    }
}

/// Where the reader is.
enum Within {
    Prose,
    Search(Block),
    Replace(Block),
}

/// Reads an answer; prose and fences around the blocks are passed over.
///
/// # Errors
/// What is wrong, in words for the model.
pub(crate) fn read(text: &str, marks: &Marks) -> Result<Answer, String> {
    let mut answer = Answer::default();
    let mut path = None;
    // aider's models write the path on a line of its own.
    let mut line_before = None;
    let mut within = Within::Prose;
    let cut = |number: usize, what: &str| {
        Err(format!("block {number} has no line `{what}` that is nothing else"))
    };
    for line in text.lines() {
        let mark = line.trim_end();
        let number = answer.edits.len() + 1;
        within = match within {
            Within::Prose if mark == marks.search => {
                let path = path.clone().or_else(|| line_before.clone());
                Within::Search(Block { path, search: Vec::new(), replace: Vec::new() })
            }
            Within::Prose if mark == marks.replace => return cut(number, &marks.search),
            Within::Prose => {
                match field(line) {
                    Some(("FILE", value)) => path = bare_path(value),
                    Some(("HYPOTHESIS", value)) if answer.hypothesis.is_none() => {
                        answer.hypothesis = sentence(value);
                    }
                    Some(("CATEGORY", value)) => answer.category = Category::named(value),
                    Some(("EXPECTED", value)) => answer.expected = sentence(value),
                    _ if line.trim().is_empty() || line.trim_start().starts_with("```") => {}
                    _ => line_before = bare_path(line).filter(|path| looks_like_one(path)),
                }
                Within::Prose
            }
            Within::Search(_) if mark == marks.search || mark == marks.replace => {
                return cut(number, &marks.divider);
            }
            Within::Search(block) if mark == marks.divider => Within::Replace(block),
            Within::Search(mut block) => {
                block.search.push(line.to_owned());
                Within::Search(block)
            }
            Within::Replace(_) if mark == marks.search => return cut(number, &marks.replace),
            Within::Replace(block) if mark == marks.replace => {
                answer.edits.push(block);
                Within::Prose
            }
            Within::Replace(mut block) => {
                block.replace.push(line.to_owned());
                Within::Replace(block)
            }
        };
    }
    let number = answer.edits.len() + 1;
    match within {
        Within::Search(_) => cut(number, &marks.divider),
        Within::Replace(_) => cut(number, &marks.replace),
        Within::Prose if answer.edits.is_empty() => {
            Err(format!("there is no block: none begins with a line `{}`", marks.search))
        }
        Within::Prose => Ok(answer),
    }
}

/// A line `NAME: value`, with whatever a model decorates it by.
fn field(line: &str) -> Option<(&'static str, &str)> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || "*#->_".contains(c));
    ["FILE", "HYPOTHESIS", "CATEGORY", "EXPECTED"].into_iter().find_map(|name| {
        let (start, rest) = line.split_at_checked(name.len())?;
        let rest = rest.trim_start_matches(['*', '_']).strip_prefix(':')?;
        let value = rest.trim_matches(|c: char| c.is_whitespace() || "*_".contains(c));
        start.eq_ignore_ascii_case(name).then_some((name, value))
    })
}

/// A path without the quotes or stars around it.
fn bare_path(text: &str) -> Option<String> {
    let bare = |c: char| c.is_whitespace() || "`\"'*#:".contains(c);
    let path = text.trim_matches(bare);
    let path = path.strip_prefix("./").unwrap_or(path);
    (!path.is_empty()).then(|| path.to_owned())
}

/// A single word may be prose, as "Done" or "Change:".
fn looks_like_one(path: &str) -> bool {
    let ends = ['.', '!', '?', ',', ';'];
    !path.contains(char::is_whitespace) && path.trim_end_matches(ends).contains(['.', '/'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks() -> Marks {
        Marks::for_texts([])
    }

    fn block(path: Option<&str>, search: &[&str], replace: &[&str]) -> Block {
        let owned = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect();
        Block { path: path.map(str::to_owned), search: owned(search), replace: owned(replace) }
    }

    #[test]
    fn an_answer_is_read_through_prose_fences_and_decoration() {
        let text = "Sure! Here is it.\n\n**HYPOTHESIS:** raise the rate: it learns faster\n\
                    - category: Optimizer\n## Expected: val falls by 0.01\n\n**FILE:** `a/train.py`\n\
                    ```python\n<<<<<<< SEARCH \nLR = 0.1\n\n=======\nLR = 0.2\n=======\n>>>>>>> REPLACE\n```\n\
                    and then\n<<<<<<< SEARCH\nx\n=======\n>>>>>>> REPLACE\nGood luck!";
        let answer = read(text, &marks()).unwrap();
        assert_eq!(answer.hypothesis.as_deref(), Some("raise the rate: it learns faster"));
        assert_eq!(answer.category, Some(Category::Optimizer));
        assert_eq!(answer.expected.as_deref(), Some("val falls by 0.01"));
        let path = Some("a/train.py");
        assert_eq!(
            answer.edits,
            [block(path, &["LR = 0.1", ""], &["LR = 0.2", "======="]), block(path, &["x"], &[])]
        );
    }

    #[test]
    fn a_path_alone_on_the_line_before_is_the_file() {
        let text = "Let me change this\n\nsrc/train.py\n```\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n```";
        assert_eq!(read(text, &marks()).unwrap().edits[0].path.as_deref(), Some("src/train.py"));
        for word in ["Change:", "Done.", "**Edit**"] {
            let text = format!("{word}\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n");
            assert_eq!(read(&text, &marks()).unwrap().edits[0].path, None, "{word} is prose");
        }
    }

    #[test]
    fn a_broken_block_is_named_with_the_mark_that_it_lacks() {
        let wrong = |text: &str| read(text, &marks()).unwrap_err();
        assert!(wrong("I cannot do that").contains("there is no block"));
        assert!(
            wrong("<<<<<<< SEARCH\na\n>>>>>>> REPLACE").contains("block 1 has no line `=======`")
        );
        assert!(wrong("<<<<<<< SEARCH\na\n=======\nb").contains("no line `>>>>>>> REPLACE`"));
        assert!(
            wrong("<<<<<<< SEARCH\na\n=======\nb\n<<<<<<< SEARCH\n").contains(">>>>>>> REPLACE")
        );
        assert!(wrong("a\n=======\nb\n>>>>>>> REPLACE").contains("<<<<<<< SEARCH"));
    }

    #[test]
    fn marks_grow_until_no_line_of_a_target_is_one() {
        let marks = Marks::for_texts(["a\n=======\nb", "<<<<<<<< SEARCH\n================"]);
        assert_eq!(marks.divider, "=".repeat(9));
        assert_eq!(marks.search, format!("{} SEARCH", "<".repeat(9)));
    }
}
