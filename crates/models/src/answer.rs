//! What a model's answer says, in whichever form it came.

use autoresearch_core::proposal::Category;

/// An answer that could be read; whether its edits fit the targets is another
/// question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) hypothesis: Option<String>,
    pub(crate) category: Option<Category>,
    pub(crate) expected: Option<String>,
    pub(crate) edits: Vec<Block>,
}

/// Lines to find in a target, and what comes in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The target; `None` where the answer does not say.
    pub(crate) path: Option<String>,
    /// Whole lines without their ends. Nothing but blank ones is the whole file.
    pub(crate) search: Vec<String>,
    pub(crate) replace: Vec<String>,
}

/// The lines of a text without their ends; a last line may lack its own.
pub(crate) fn lines(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    text.strip_suffix('\n').unwrap_or(text).split('\n').map(str::to_owned).collect()
}

/// A sentence as it stands on one line; `None` where nothing does.
pub(crate) fn sentence(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// An answer without the thoughts that some models write before it.
pub(crate) fn spoken(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    match text.trim_start().strip_prefix("<think>").and_then(|rest| rest.split_once("</think>")) {
        Some((_, spoken)) => spoken.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_thoughts_before_an_answer_are_no_part_of_it() {
        assert_eq!(spoken("\n<think>\nhm\n</think>\nEND = 1\r\n"), "\nEND = 1\n");
        let edit = "END = \"</think>\"\n";
        assert_eq!(spoken(&format!("<think>hm</think>{edit}")), edit);
        assert_eq!(spoken(edit), edit);
    }
}
