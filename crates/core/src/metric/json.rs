//! The metric in a JSON file that the run wrote.

use serde_json::Value;

use super::secondary::MOST_NAMES;
use super::{Readings, number};

/// Reads the metric at `key`, as `metrics.val.loss` or `results.0.score`, from
/// the text of a JSON file, or of a file with one JSON value a line, where the
/// last line with a finite value counts.
///
/// A key that holds dots itself is found as the rest of the path. Numbers may
/// be strings. `NaN` and `Infinity`, which Python's `json` writes, are understood.
/// Other numbers of the same object are secondary, at most 64, and those that
/// are `wanted`, which may also be keys as `key` is, as `tests.passed`. Text that
/// is no JSON has no readings.
pub fn read_json(text: &str, key: &str, wanted: &[String]) -> Readings {
    let text = quote_non_finite(text.trim_start_matches('\u{feff}'));
    let mut readings = Readings::default();
    if let Ok(value) = serde_json::from_str(&text) {
        take(&value, key, wanted, &mut readings);
    } else {
        for value in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            take(&value, key, wanted, &mut readings);
        }
    }
    readings
}

fn take(document: &Value, key: &str, wanted: &[String], readings: &mut Readings) {
    let Some((parent, last)) = find(document, key) else {
        return;
    };
    let Some(value) = child(parent, last).and_then(as_number) else {
        return;
    };
    if !value.is_finite() {
        readings.saw_non_finite = true;
        return;
    }
    readings.metric = Some(value);
    if let Value::Object(object) = parent {
        readings.secondary = object
            .iter()
            .filter(|(name, _)| *name != last)
            .filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)))
            .take(MOST_NAMES)
            .collect();
    }
    for name in wanted {
        let beside = parent.get(name).and_then(Value::as_f64);
        let below =
            || find(document, name).and_then(|(parent, last)| child(parent, last)?.as_f64());
        if let Some(value) = beside.or_else(below) {
            readings.secondary.insert(name.clone(), value);
        }
    }
}

/// The value that holds the last part of `key`, and that part.
fn find<'a, 'k>(mut value: &'a Value, mut key: &'k str) -> Option<(&'a Value, &'k str)> {
    while child(value, key).is_none() {
        let (head, tail) = key.split_once('.')?;
        value = child(value, head)?;
        key = tail;
    }
    Some((value, key))
}

fn child<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(object) => object.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => number::prefix(text.trim().as_bytes()).map(|(value, _)| value),
        _ => None,
    }
}

/// `text` with `NaN`, `Infinity` and `-Infinity` outside strings put into quotes,
/// since JSON has no word for them.
fn quote_non_finite(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['"', 'N', 'I', '-']) {
        quoted.push_str(&rest[..start]);
        rest = &rest[start..];
        let word = ["NaN", "Infinity", "-Infinity"].into_iter().find(|word| rest.starts_with(word));
        let length = if let Some(word) = word {
            quoted.push('"');
            quoted.push_str(word);
            quoted.push('"');
            word.len()
        } else {
            let length = if rest.starts_with('"') { string_length(rest) } else { 1 };
            quoted.push_str(&rest[..length]);
            length
        };
        rest = &rest[length..];
    }
    quoted + rest
}

/// Bytes of the JSON string that `text` starts with. A line break ends a string
/// that was never closed, so that a torn line does not reach into the next.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'\n' => return at,
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_through_objects_arrays_and_keys_with_dots() {
        let text = r#"{"metrics": {"val.loss": 0.5, "n": 3, "name": "x", "deep": {"a": 1}}, "results": [{"score": "97.3%"}]}"#;
        let readings = read_json(text, "metrics.val.loss", &[]);
        assert_eq!(readings.metric, Some(0.5));
        assert_eq!(readings.secondary.into_iter().collect::<Vec<_>>(), [("n".to_owned(), 3.0)]);
        assert_eq!(read_json(text, "results.0.score", &[]).metric, Some(97.3));
        for absent in
            ["", "metrics", "metrics.val", "results.1.score", "results.x", "metrics.name", "."]
        {
            assert_eq!(read_json(text, absent, &[]), Readings::default(), "{absent}");
        }
    }

    #[test]
    fn python_words_are_seen_as_not_finite() {
        let text =
            "{\"a\": NaN, \"b\": [-Infinity, Infinity], \"NaN \\\" Infinity\": 1, \"c\": -2}";
        let readings = read_json(text, "a", &[]);
        assert_eq!((readings.metric, readings.saw_non_finite), (None, true));
        assert!(
            read_json(text, "b.0", &[]).saw_non_finite
                && read_json(text, "b.1", &[]).saw_non_finite
        );
        assert_eq!(read_json(text, "c", &[]).metric, Some(-2.0));
        assert_eq!(read_json(text, "NaN \" Infinity", &[]).metric, Some(1.0));
    }

    #[test]
    fn of_a_file_of_lines_the_last_with_the_key_counts() {
        let text = "{\"loss\": 2, \"step\": 1}\n{\"loss\": NaN}\n{\"loss\": 1, \"step\": 2}\n{\"other\": 5}\n{\"loss\": \"0.";
        let readings = read_json(text, "loss", &[]);
        assert_eq!((readings.metric, readings.saw_non_finite), (Some(1.0), true));
        assert_eq!(readings.secondary.get("step"), Some(&2.0));
    }

    #[test]
    fn a_wanted_name_is_read_wherever_it_is() {
        let many: Vec<_> = (0..200).map(|i| format!("\"a{i}\": {i}")).collect();
        let many = many.join(",");
        let text =
            format!(r#"{{{many}, "m": 1, "z": 7, "tests": {{"passed": 41, "total": "x"}}}}"#);
        let wanted = ["z", "tests.passed", "tests.total", "tests.none", ""].map(str::to_owned);
        let read = read_json(&text, "m", &wanted).secondary;
        assert_eq!(read.len(), MOST_NAMES + 2);
        assert_eq!((read.get("z"), read.get("tests.passed")), (Some(&7.0), Some(&41.0)));
    }

    #[test]
    fn secondary_names_are_bounded_and_other_text_reads_as_nothing() {
        let many = (0..1000).map(|i| format!("\"k{i}\": {i}")).collect::<Vec<_>>().join(",");
        assert_eq!(
            read_json(&format!("{{{many}, \"m\": 1}}"), "m", &[]).secondary.len(),
            MOST_NAMES
        );
        assert_eq!(read_json("\u{feff}{\"m\": 1}", "m", &[]).metric, Some(1.0));
        for text in ["", "no json", "{", "[[[[", "\"", "\"\\", "3", "NaN"] {
            assert_eq!(read_json(text, "m", &[]), Readings::default(), "{text}");
        }
        read_json(&"[".repeat(100_000), "0.0.0", &[]);
    }
}
