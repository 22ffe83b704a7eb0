//! What a proposer states about its proposal, in lines of its own:
//! `HYPOTHESIS: …`, `CATEGORY: …` and `EXPECTED: …`.

use autoresearch_core::proposal::{Category, Edit, Proposal};

/// What was stated; of each the last that counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stated {
    pub(crate) hypothesis: Option<String>,
    pub(crate) category: Option<Category>,
    pub(crate) expected: Option<String>,
}

impl Stated {
    /// In a text of any length. Marks may be in any case, and in Markdown's
    /// bold or lists.
    pub(crate) fn of(text: &str) -> Stated {
        let mut stated = Stated::default();
        for line in text.lines() {
            let line = line.trim_start_matches(|c: char| c.is_whitespace() || "*-#>_`".contains(c));
            let Some((mark, value)) = line.split_once(':') else { continue };
            let value = value.trim_matches(|c: char| c.is_whitespace() || "*_`".contains(c));
            // Who repeats the brief repeats what it asks for.
            let is_asked = value.starts_with('<') && value.ends_with('>');
            if value.is_empty() || is_asked {
                continue;
            }
            match mark.trim_end_matches(['*', '_', ' ']).to_ascii_lowercase().as_str() {
                "hypothesis" => stated.hypothesis = Some(value.to_owned()),
                "category" => stated.category = Category::named(value).or(stated.category),
                "expected" => stated.expected = Some(value.to_owned()),
                _ => {}
            }
        }
        stated
    }

    /// The edit of the desk as a proposal. A queued hypothesis holds where none
    /// is stated, and after it `otherwise`.
    pub(crate) fn proposal(self, queued: Option<&str>, otherwise: &str) -> Proposal {
        let hypothesis = self
            .hypothesis
            .or_else(|| queued.map(str::to_owned))
            .unwrap_or_else(|| otherwise.to_owned());
        let category = self.category.unwrap_or_else(|| Category::of(&hypothesis));
        Proposal { hypothesis, category, edit: Edit::Desk, settings: None, expected: self.expected }
    }
}

/// The first sentence of a text, on one line and of bounded length; `None` for
/// one without words.
pub(crate) fn first_sentence(text: &str) -> Option<String> {
    const LONGEST: usize = 200;
    let line = text.lines().map(str::trim).find(|line| line.contains(char::is_alphanumeric))?;
    let end = [". ", "! ", "? "].iter().filter_map(|end| line.find(end)).min();
    let sentence = end.map_or(line, |end| &line[..=end]);
    let sentence = sentence.trim_matches(|c: char| "*#>_` -".contains(c));
    Some(sentence.chars().take(LONGEST).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_stated_hypothesis_counts() {
        let output = "hypothesis: first\nworking…\nHYPOTHESIS: raise LR: twice\nbye";
        assert_eq!(Stated::of(output).hypothesis.as_deref(), Some("raise LR: twice"));
        assert_eq!(Stated::of("HYPOTHESIS:  \nnothing"), Stated::default());
        assert_eq!(Stated::of("HYPOTHESIS: <one sentence>\n"), Stated::default());
    }

    #[test]
    fn category_and_expectation_are_read_through_markdown() {
        let text = "Done.\n\n**HYPOTHESIS:** a wider layer fits\n- **Category**: Architecture\n\
                    > EXPECTED: `-0.01` val_bpb\nCATEGORY: nonsense\n";
        let stated = Stated::of(text);
        assert_eq!(stated.hypothesis.as_deref(), Some("a wider layer fits"));
        assert_eq!(stated.category, Some(Category::Architecture));
        assert_eq!(stated.expected.as_deref(), Some("-0.01` val_bpb"));
    }

    #[test]
    fn without_a_statement_the_queued_sentence_holds_and_then_the_first_said() {
        let proposal = Stated::default().proposal(Some("more heads"), "an edit");
        assert_eq!(proposal.hypothesis, "more heads");
        let proposal = Stated::default().proposal(None, "raise the learning rate");
        assert_eq!(proposal.category, Category::Optimizer);
    }

    #[test]
    fn the_first_sentence_is_one_of_words() {
        assert_eq!(
            first_sentence("\n---\n**I doubled LR. It was low.**").as_deref(),
            Some("I doubled LR.")
        );
        assert_eq!(first_sentence("```\n"), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "(?s).{0,200}") {
            let _ = (Stated::of(&text), first_sentence(&text));
        }
    }
}
