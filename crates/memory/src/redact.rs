//! What must not outlive a session: secrets, and where things lie on this machine.
//! Everything that is written to a vault passes through here.
//!
//! It would rather take too much than too little: a note in which a harmless path is
//! missing is still a note.

use std::path::Path;
use std::sync::OnceLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// What stands in place of a path, of a secret, of an address, of a URL with a
/// password.
const PATH: &str = "[path]";
const SECRET: &str = "[secret]";
const MAIL: &str = "[e-mail]";
const URL: &str = "[url]";

/// Bits a character from which a long word after `key` or `token` counts as one. Names
/// and numbers lie below 3, random base64 and hexadecimal above.
const RANDOM: f64 = 3.0;

/// What no path goes on with.
const END: &str = r#"\s"'`<>|;,)\]"#;

/// Folders of this machine that notes must not name.
#[derive(Clone, Debug, Default)]
pub struct Private {
    /// The repository: what lies in it keeps its path from there.
    repository: Option<Regex>,
    /// The home folder, of which nothing is told.
    home: Option<Regex>,
}

impl Private {
    /// The home folder, and the root of the repository.
    pub fn new(home: Option<&Path>, repository: Option<&Path>) -> Private {
        let known = |path: Option<&Path>, rest: &str| {
            let path = path.filter(|path| path.components().count() > 1)?.to_str()?;
            Regex::new(&format!("{}{rest}", regex::escape(path))).ok()
        };
        Private {
            // Not `/srv/work-private` where `/srv/work` is it.
            repository: known(repository, r#"([/\\]|$|[\s"'`<>(){}\[\]|;:,=&?!]|\.(?:\s|$))"#),
            home: known(home, &rest_of_path("/", END)),
        }
    }

    /// The text without secrets and without paths of this machine. What it returns, it
    /// returns unchanged.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let Some(inside) = &self.repository {
            let relative = |found: &Captures<'_>| match &found[1] {
                "/" | "\\" => String::new(),
                end => format!(".{end}"),
            };
            text = inside.replace_all(&text, relative).into_owned();
        }
        if let Some(below) = &self.home {
            text = below.replace_all(&text, PATH).into_owned();
        }
        for (pattern, replace) in rules() {
            text = pattern.replace_all(&text, |found: &Captures<'_>| replace(found)).into_owned();
        }
        text
    }

    /// The same for every text in a value, the names of its fields included; each is one
    /// line then, as front matter has it.
    pub(crate) fn redact_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(line(&self.redact(&text))),
            Value::Array(items) => items.into_iter().map(|item| self.redact_value(item)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(name, value)| (line(&self.redact(&name)), self.redact_value(value)))
                .collect(),
            other => other,
        }
    }
}

fn line(text: &str) -> String {
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    text.replace(is_break, " ").trim().to_owned()
}

/// The rest of a path, up to what is in `end`; and on over a space where a further part
/// follows it, as in `/mnt/Acme Corp/plans`.
fn rest_of_path(slash: &str, end: &str) -> String {
    format!("[^{end}]*(?: [A-Za-z0-9_.][^={slash}{end}]*{slash}[^{end}]*)*")
}

type Replace = fn(&Captures<'_>) -> String;
type Rule = (Regex, Replace);

/// In the order in which they are applied: keys before what holds them.
fn rules() -> &'static [Rule] {
    static RULES: OnceLock<Vec<Rule>> = OnceLock::new();
    RULES.get_or_init(|| {
        // A colon ends a path, as in `a.py:3: error`.
        let end = format!("{END}:");
        let (posix, windows) = (rest_of_path("/", &end), rest_of_path(r"\\", &end));
        let people = rest_of_path("/", END);
        let people_windows = rest_of_path(r"\\", END);
        // Before a path: what begins a line of a diff, a flag or a URL, too.
        let before =
            r#"(^|[\s"'`(\[{<>=:;,|+-]|(?:^|\s)-[A-Za-z]|\b[A-Za-z][A-Za-z0-9+.-]*:///?)"#;
        let people = format!(
            r"(?i)(?:file://)?(?:(?:/home/|/users/|/root\b|~[a-z_][a-z0-9_-]*/|~/){people}|[a-z]:[\\/]+users[\\/]+{people_windows})"
        );
        let absolute = format!(
            r"{before}(/[^/\\{end}]{posix}|(?:[A-Za-z]:\\|\\\\[A-Za-z0-9._$-]{{2,}}\\|\\{{4}}[A-Za-z0-9._$-]{{2,}}\\\\)[^/\\{end}]{windows})"
        );
        let rules: [(&str, Replace); 11] = [
            // A block in PEM's form (RFC 7468), also one that was cut.
            (
                r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)",
                |_| SECRET.to_owned(),
            ),
            // Keys that say whose they are.
            (
                r"\b(?:[rs]k_(?:live|test)_[A-Za-z0-9]{10,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|xox[abeprs]-[A-Za-z0-9-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|dckr_pat_[A-Za-z0-9_-]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|gsk_[A-Za-z0-9]{30,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*)?)",
                |_| SECRET.to_owned(),
            ),
            // Their prefixes are words, too: `sk-learn-pipelines` is none.
            (
                r"\b(?:sk|glpat|pypi)-([A-Za-z0-9_-]{16,})",
                |found| if is_key(&found[1]) { SECRET } else { &found[0] }.to_owned(),
            ),
            // A URL with a name and a password, its host included.
            (
                r#"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/@"'`<>]+@[^\s"'`<>]*"#,
                |_| URL.to_owned(),
            ),
            (
                r"(?i)\b((?:authorization\s*[:=]\s*)?(?:bearer|basic)\s+)[A-Za-z0-9+/_.~=-]{8,}",
                |found| format!("{}{SECRET}", &found[1]),
            ),
            // Whatever is called a password is one.
            (
                r#"(?i)((?:password|passwd|passphrase|pwd|secret)[a-z0-9_]*["']?\s*(?:[:=]|=>)\s*)("[^"\n]*"|'[^'\n]*'|[^\s"',;]+)"#,
                |found| {
                    let is_done = found[2].contains(SECRET);
                    format!("{}{}", &found[1], if is_done { &found[2] } else { SECRET })
                },
            ),
            // A key or token, where it looks like one.
            (
                r#"(?i)((?:key|token|credentials?|auth)[a-z0-9_]*["']?\s*(?:[:=]|=>|\s)\s*["']?)([A-Za-z0-9+/_.~=-]{12,})"#,
                |found| {
                    if looks_random(&found[2]) {
                        format!("{}{SECRET}", &found[1])
                    } else {
                        found[0].to_owned()
                    }
                },
            ),
            (
                r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
                |_| MAIL.to_owned(),
            ),
            // Folders of people, wherever they stand.
            (&people, |_| PATH.to_owned()),
            // Any other absolute path: its last part says enough. Devices are the
            // same everywhere, and `//` begins a comment or a host.
            (
                r#"(["'`])((?:/|[A-Za-z]:\\|\\\\[A-Za-z0-9._$-]{2,}\\)[^/\\"'`\n][^"'`\n]*)(["'`])"#,
                |found| format!("{}{}{}", &found[1], last_part(&found[2]), &found[3]),
            ),
            (&absolute, |found| format!("{}{}", &found[1], last_part(&found[2]))),
        ];
        rules
            .into_iter()
            .filter_map(|(pattern, replace)| Some((Regex::new(pattern).ok()?, replace)))
            .collect()
    })
}

/// Whether what follows a key's prefix looks drawn by lot, and not like words.
fn is_key(rest: &str) -> bool {
    let is_long = |part: &str| part.len() >= 16 && part.contains(|c: char| c.is_ascii_digit());
    rest.contains(|c: char| c.is_ascii_uppercase()) || rest.split(['-', '_']).any(is_long)
}

/// `[path]/b.py` for `/a/b.py`; what has one part, or is the same on every machine,
/// stays.
fn last_part(path: &str) -> String {
    let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
    let is_drive = !path.starts_with('/');
    match parts[..] {
        ["dev" | "proc" | "sys", ..] | [] | [_] if !is_drive => path.to_owned(),
        [.., last] => format!("{PATH}/{last}"),
        [] => path.to_owned(),
    }
}

/// Whether a word looks drawn by lot: letters and digits mixed, and no name.
fn looks_random(word: &str) -> bool {
    let word = word.trim_matches(['=', '.', '-', '_']);
    let is = |test: fn(&char) -> bool| word.chars().any(|c| test(&c));
    is(char::is_ascii_digit) && is(char::is_ascii_alphabetic) && bits(word) >= RANDOM
}

/// Shannon's entropy of the characters of a word, in bits each.
fn bits(word: &str) -> f64 {
    let mut counts = [0_u32; 128];
    for c in word.bytes() {
        counts[usize::from(c & 127)] += 1;
    }
    let total = f64::from(u32::try_from(word.len()).unwrap_or(u32::MAX));
    let share = |count: &u32| f64::from(*count) / total;
    counts.iter().filter(|n| **n > 0).map(share).map(|p| -p * p.log2()).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn private() -> Private {
        Private::new(Some(Path::new("/data/people/ann")), Some(Path::new("/srv/work/proj")))
    }

    #[test]
    fn secrets_go_and_what_they_stood_in_stays() {
        for (from, to) in [
            ("key sk-ant-api03-AbCdEf0123456789xyz was used", "key [secret] was used"),
            ("OPENAI_API_KEY=q7Zt0x81LmPw93Vb", "OPENAI_API_KEY=[secret]"),
            ("api_key: 'a8F3kq90ZpLw2mXy'", "api_key: '[secret]'"),
            ("sk-0123456789abcdef0123456789abcdef", "[secret]"),
            ("glpat-aB1cD2eF3gH4iJ5kL6mN", "[secret]"),
            ("pypi-AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDA", "[secret]"),
            ("PASSWORD = \"hunter2\"", "PASSWORD = [secret]"),
            ("Authorization: Bearer abc.def-123_456", "Authorization: Bearer [secret]"),
            ("clone https://bob:pw1@git.corp.example/x.git now", "clone [url] now"),
            ("by Ann Lee <ann.lee+ml@corp.example.org>", "by Ann Lee <[e-mail]>"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc", "[secret]"),
        ] {
            assert_eq!(private().redact(from), to);
        }
    }

    #[test]
    fn paths_of_this_machine_go() {
        for (from, to) in [
            ("File \"/srv/work/proj/src/train.py\", line 3", "File \"src/train.py\", line 3"),
            ("cd /srv/work/proj && make", "cd . && make"),
            ("open /data/people/ann/notes/x.txt failed", "open [path] failed"),
            ("in /home/bob/.cache/pip", "in [path]"),
            ("C:\\Users\\Bob\\x.txt", "[path]"),
            ("~/models and ~bob/models", "[path] and [path]"),
            ("File \"/usr/lib/python3/torch/nn.py\", line 9", "File \"[path]/nn.py\", line 9"),
            ("D:\\data\\set.bin", "[path]/set.bin"),
            ("file:///home/bob/x", "[path]"),
            ("file:///data/corp/acme/x.csv", "file://[path]/x.csv"),
            ("sqlite:////data/acme/db.sqlite", "sqlite:///[path]/db.sqlite"),
            ("on \\\\fileserver\\acme\\x.csv", "on [path]/x.csv"),
            ("'\\\\\\\\fileserver\\\\acme\\\\x.csv'", "'[path]/x.csv'"),
            ("+/data/acme/clients/list.csv", "+[path]/list.csv"),
            ("a\n-/data/acme/x\n", "a\n-[path]/x\n"),
            ("cc -I/opt/acme/include", "cc -I[path]/include"),
            ("open /mnt/Acme Corp/merger plans/x.csv failed", "open [path]/x.csv failed"),
            ("open('/mnt/Acme Corp Ltd/x y.csv')", "open('[path]/x y.csv')"),
            ("D:\\Acme Corp\\x.csv", "[path]/x.csv"),
            ("/home/bob/My Papers/x", "[path]"),
            ("/srv/work/proj-private/plan.txt", "[path]/plan.txt"),
            ("in /srv/work/proj. Then", "in .. Then"),
            ("python /opt/x/train.py --data=foo/bar", "python [path]/train.py --data=foo/bar"),
            ("/data/people/ann/a b/c d", "[path] d"),
        ] {
            assert_eq!(private().redact(from), to);
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "raise LEARNING_RATE from 0.003 to 6e-3",
            "tokens: 1000000 per step, num_tokens = 65536",
            "token = tokenizer.encode(text)",
            "key = sorted_by_length_and_name",
            "--- a/src/train.py\n+++ b/src/train.py\n--- /dev/null",
            "see https://example.org/a/b?c=d",
            "loss/accuracy, 1/2, and/or // a comment",
            "a commit 3f786850e387550fdab836ed7e6dc881de23001b",
            "@decorator\ndef f(x): ...",
            "GET /health 200",
            "a /b/ c",
            "x // y",
            "+// a comment\n-/* another */\n+    x / y / z",
            "re.sub(r'\\\\d+\\\\w', '/', x) + '/' + y",
            "+/- 3",
            "\\\\d\\\\w",
            "sk-learn pipelines and sk-learn-benchmarks-mar8-a1cb6f-0001",
            "pypi-packages-that-are-never-installed-twice",
            "[[glpat-tokens-are-read-mar8-a1cb6f-0001]]",
        ] {
            assert_eq!(private().redact(text), text);
        }
    }

    const SECRETS: [&str; 7] = [
        "sk-proj-Zx81kLmQ02pvT5nB7cYd",
        "ghp_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1w",
        "AKIAIOSFODNN7EXAMPLE",
        "hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345",
        "ann@corp.example",
        "/data/people/ann/private",
        "/home/someone/thing",
    ];

    proptest! {
        #[test]
        fn no_planted_secret_survives(
            before in "[ -~\n]{0,40}", after in "[ -~\n]{0,40}", which in 0..SECRETS.len(),
        ) {
            let secret = SECRETS[which];
            let text = private().redact(&format!("{before} {secret} {after}"));
            prop_assert!(!text.contains(secret), "{text}");
        }

        #[test]
        fn what_is_redacted_stays_as_it_is(text in "[ -~é\n]{0,200}") {
            let once = private().redact(&text);
            prop_assert_eq!(private().redact(&once), once);
        }

        #[test]
        fn a_random_word_after_a_key_is_none_of_ours_to_keep(word in "[A-Za-z0-9]{24}") {
            let text = private().redact(&format!("MY_TOKEN={word}"));
            prop_assert!(!looks_random(&word) || !text.contains(&word));
        }
    }
}
