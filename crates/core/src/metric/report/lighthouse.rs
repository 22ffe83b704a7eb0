//! Lighthouse's JSON, `lighthouse URL --output=json`
//! (<https://github.com/GoogleChrome/lighthouse/blob/main/docs/understanding-results.md>).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::embedded;
use crate::metric::{Part, Readings};

/// The audits whose numbers are told; there are some hundred others.
const AUDITS: &[&str] = &[
    "first-contentful-paint",
    "largest-contentful-paint",
    "speed-index",
    "total-blocking-time",
    "interactive",
    "server-response-time",
    "cumulative-layout-shift",
    "total-byte-weight",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Result {
    categories: BTreeMap<String, Category>,
    audits: BTreeMap<String, Audit>,
    runtime_error: Option<RuntimeError>,
}

#[derive(Deserialize)]
struct Category {
    score: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Audit {
    numeric_value: Option<f64>,
    error_message: Option<String>,
}

#[derive(Deserialize)]
struct RuntimeError {
    code: String,
    #[serde(default)]
    message: String,
}

/// Scores from 0 to 1 and numbers of audits; of several reports the median of
/// each, as Lighthouse advises against the noise of one
/// (<https://github.com/GoogleChrome/lighthouse/blob/main/docs/variability.md>).
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for Part { path, text, .. } in parts {
        let Some(result) = embedded::value::<Result>(text) else {
            return Readings::troubled(format!("`{path}` is not lighthouse's JSON"));
        };
        if let Some(RuntimeError { code, message }) = result.runtime_error
            && code != "NO_ERROR"
        {
            return Readings::troubled(format!(
                "lighthouse could not load the page: {code}: {message}"
            ));
        }
        if result.categories.get(name).is_some_and(|category| category.score.is_none()) {
            let why = result.audits.values().find_map(|audit| audit.error_message.as_deref());
            let why = why.unwrap_or("an audit of it failed");
            return Readings::troubled(format!("lighthouse gave no score `{name}`: {why}"));
        }
        let scores = result.categories.into_iter().map(|(id, category)| (id, category.score));
        let audits = result.audits.into_iter().map(|(id, audit)| (id, audit.numeric_value));
        let audits = audits.filter(|(id, _)| AUDITS.contains(&id.as_str()));
        for (id, value) in scores.chain(audits) {
            if let Some(value) = value {
                values.entry(id).or_default().push(value);
            }
        }
    }
    // One that failed in a run would make the median that of the others.
    values.retain(|_, values| values.len() == parts.len());
    Readings::of(name, values.into_iter().map(|(id, values)| (id, median(values))))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = ((values.len() - 1) / 2, values.len() / 2);
    f64::midpoint(values[low], values[high])
}

#[cfg(test)]
mod tests {
    use super::super::tests::part;
    use super::*;

    /// Lighthouse 12.8.2 with a page on loopback, as it wrote it, most audits left out.
    const FILE: &str = include_str!("recorded/lighthouse.json");

    #[test]
    fn scores_of_categories_and_numbers_of_audits_are_read() {
        let readings = read("performance", &[part("lighthouse.json", FILE)]);
        assert!(readings.metric.is_some_and(|score| (0.0..=1.0).contains(&score)), "{readings:?}");
        let paint = readings.secondary["largest-contentful-paint"];
        assert!(paint >= readings.secondary["first-contentful-paint"], "{readings:?}");
    }

    #[test]
    fn of_several_reports_the_median_counts_and_a_failed_one_is_trouble() {
        let report = |score: &str, error: &str| {
            let text = format!(
                r#"{{"categories": {{"seo": {{"score": {score}}}}}, "audits": {{}}{error}}}"#
            );
            part("lighthouse.json", &text)
        };
        let parts = ["0.5", "0.9", "0.6"].map(|score| report(score, ""));
        assert_eq!(read("seo", &parts).metric, Some(0.6));
        let why = read("seo", &[report("null", ""), report("0.9", "")]).trouble.unwrap();
        assert_eq!(why, "lighthouse gave no score `seo`: an audit of it failed");
        let error = r#", "runtimeError": {"code": "NO_FCP", "message": "no paint"}"#;
        assert!(
            read("seo", &[report("null", error)]).trouble.unwrap().contains("NO_FCP: no paint")
        );
    }
}
