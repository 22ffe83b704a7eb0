//! What a model is told about the form of its answer; what to do is the
//! brief's part.

use crate::apply::WHOLE;
use crate::blocks::Marks;

/// The form of an answer that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Blocks(Marks),
    Json,
}

const TASK: &str = "\
You improve a program by experiments. Propose one experiment: one focused change of the target \
files that the brief shows. A program applies your edits, runs the experiment and measures it; \
nobody reads your answer before, and you cannot ask anything. Change nothing but what your \
hypothesis needs.
";

const EDITS: &str = "\
- A search is of whole lines, copied exactly as they are in the file, with their indentation and \
without line numbers. It must be found exactly once in that file: take as few lines as that needs.
- Several edits are possible. Each searches the file as it is now, and they must not overlap.
";

/// The system's message.
pub(crate) fn system(shape: &Shape) -> String {
    match shape {
        Shape::Blocks(Marks { search, divider, replace }) => format!(
            "{TASK}
Answer in exactly this form:

HYPOTHESIS: one sentence: what changes, and why it should help
CATEGORY: architecture, optimizer, training or other
EXPECTED: what the metric will do, with a number where you can

FILE: the path of a target
{search}
the lines as they are now
{divider}
the lines as they shall be
{replace}

{EDITS}- The three marks stand alone on their lines, exactly as above; `FILE:` comes before every block \
of another file.
- With nothing between `{divider}` and `{replace}` the lines are removed. With nothing to search for \
the whole file is replaced, which is only for files of up to {WHOLE} lines.
- No `...` for lines that stay, and no text after the last block.
"
        ),
        Shape::Json => format!(
            "{TASK}
Answer with one JSON object and nothing else:
{{\"hypothesis\": \"one sentence: what changes, and why it should help\",
 \"category\": \"architecture, optimizer, training or other\",
 \"expected\": \"what the metric will do\",
 \"edits\": [{{\"path\": \"the path of a target\", \"search\": \"the lines as they are now\", \
\"replace\": \"the lines as they shall be\"}}]}}

{EDITS}"
        ),
    }
}

/// The message after an answer that could not be used.
pub(crate) fn repair(wrong: &[String]) -> String {
    let list: Vec<String> = wrong.iter().map(|why| format!("- {why}\n")).collect();
    format!(
        "Your answer could not be used, and nothing of it was applied:\n\n{}\n\
         Answer once more, in full and in the same form.\n",
        list.concat()
    )
}
