//! Answers as one JSON object, in the form of `schema.rs`.

use autoresearch_core::proposal::Category;
use serde::Deserialize;

use crate::answer::{Answer, Block, lines, sentence};

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    hypothesis: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    expected: Option<String>,
    edits: Vec<WrittenEdit>,
}

#[derive(Deserialize)]
struct WrittenEdit {
    #[serde(default)]
    path: Option<String>,
    search: String,
    replace: String,
}

/// Braces that are tried as the beginning of the object.
const TRIED: usize = 64;

/// Reads an answer; prose and fences around the object are passed over.
///
/// # Errors
/// What is wrong, in words for the model.
pub(crate) fn read(text: &str) -> Result<Answer, String> {
    let mut first_error = None;
    for (at, _) in text.match_indices('{').take(TRIED) {
        let mut stream = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Written>();
        match stream.next() {
            Some(Ok(written)) => return answer_of(written),
            Some(Err(error)) => {
                first_error.get_or_insert(error);
            }
            None => {}
        }
    }
    Err(match first_error {
        Some(error) => format!("the JSON object cannot be read: {error}"),
        None => "there is no JSON object in it".to_owned(),
    })
}

fn answer_of(written: Written) -> Result<Answer, String> {
    if written.edits.is_empty() {
        return Err("`edits` is empty".to_owned());
    }
    let edits = written.edits.into_iter().map(|edit| Block {
        path: edit.path.map(|path| path.trim().to_owned()).filter(|path| !path.is_empty()),
        search: lines(&edit.search.replace("\r\n", "\n")),
        replace: lines(&edit.replace.replace("\r\n", "\n")),
    });
    Ok(Answer {
        hypothesis: written.hypothesis.as_deref().and_then(sentence),
        category: written.category.as_deref().and_then(Category::named),
        expected: written.expected.as_deref().and_then(sentence),
        edits: edits.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_found_in_prose_and_fences() {
        let text = "Here {is} it:\n```json\n{\"hypothesis\": \"more\", \"category\": \"training\",\
                    \"edits\": [{\"path\": \"t.py\", \"search\": \"a\\r\\nb\\r\\n\", \"replace\": \"\"}]}\n```\nBye }";
        let answer = read(text).unwrap();
        assert_eq!(answer.hypothesis.as_deref(), Some("more"));
        assert_eq!(answer.edits[0].search, ["a", "b"]);
        assert!(answer.edits[0].replace.is_empty());
    }

    #[test]
    fn what_is_no_answer_says_why() {
        assert!(read("no").unwrap_err().contains("no JSON object"));
        assert!(read("{\"edits\": [{\"path\": 1}]}").unwrap_err().contains("cannot be read"));
        assert!(read("{\"edits\": []}").unwrap_err().contains("empty"));
        assert!(
            read("{\"hypothesis\": \"x\", \"edits\": [").unwrap_err().contains("cannot be read")
        );
    }
}
