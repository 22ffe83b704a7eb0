use super::*;

const GPT: &str = include_str!("cases/gpt.py");
const NANO: &str = include_str!("cases/nano.py");
const TABULAR: &str = include_str!("cases/tabular.py");

struct Case {
    title: String,
    before: &'static str,
    after: String,
}

/// Cases as text: `# base title`, then edits of lines to find (`-`, or `*` for all
/// places of a word) and to put there (`+`).
fn cases(text: &str) -> Vec<Case> {
    text.split("\n# ").map(|case| case.trim_start_matches("# ")).map(case).collect()
}

fn case(text: &str) -> Case {
    let (title, edits) = text.split_once('\n').unwrap();
    let before = match title.split(' ').next().unwrap() {
        "gpt" => GPT,
        "nano" => NANO,
        "tabular" => TABULAR,
        other => panic!("no base is called {other}"),
    };
    let mut after = before.to_owned();
    let mut lines = edits.lines().filter(|line| !line.is_empty()).peekable();
    while lines.peek().is_some() {
        let mut take = |mark: &[char]| {
            let mut taken = Vec::new();
            while let Some(line) = lines.next_if(|line| line.starts_with(mark)) {
                taken.push(line.get(2..).unwrap_or_default());
            }
            taken.join("\n")
        };
        let all = take(&['*']);
        let old = take(&['-']);
        let new = take(&['+']);
        if all.is_empty() {
            assert_eq!(after.matches(&old).count(), 1, "{title}: `{old}` is not there once");
            after = after.replacen(&old, &new, 1);
        } else {
            assert!(after.contains(&all), "{title}: no {all}");
            after = after.replace(&all, &new);
        }
    }
    assert_ne!(before, after, "{title}");
    assert!(module(&after).is_some(), "{title} does not parse");
    Case { title: title.to_owned(), before, after }
}

fn found(case: &Case) -> Vec<String> {
    parts(&[Change { path: "train.py", before: case.before, after: &case.after }])
}

fn misjudged(cases: &[Case], is_bundle: bool) -> Vec<String> {
    let wrong = cases.iter().filter(|case| (found(case).len() > 1) != is_bundle);
    wrong.map(|case| format!("{}: {:?}", case.title, found(case))).collect()
}

#[test]
fn a_change_of_one_idea_is_never_taken_for_a_bundle() {
    let cases = cases(include_str!("cases/one.txt"));
    let wrong = misjudged(&cases, false);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn most_bundles_are_found() {
    let cases = cases(include_str!("cases/bundles.txt"));
    let missed = misjudged(&cases, true);
    assert!(missed.is_empty(), "{} of {}:\n{}", missed.len(), cases.len(), missed.join("\n"));
}
