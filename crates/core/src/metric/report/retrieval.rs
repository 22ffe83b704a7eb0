//! How well a search finds what it should: JSON lines `{"query": …, "relevant":
//! [ids], "returned": [ids, the best first]}`. An id is a text or a number; what
//! is returned again counts once. `relevant` may be graded: `{"id": 3}`.
//!
//! Means over all queries:
//! - `recall@k`: of the relevant, the share that is among the first k; and
//!   `precision@k`: of k, the share that is relevant, fewer than k results or not
//!   (Manning, Raghavan, Schütze 2008, *Introduction to Information Retrieval*, 8.4).
//! - `mrr`: 1 / rank of the first relevant, 0 without one (Voorhees 1999, TREC-8).
//! - `ndcg@k`: the sum of grade / log2(rank + 1) over the first k, divided by that
//!   of the best order there is (Järvelin and Kekäläinen 2002); a grade is 1 unless
//!   given. `trec_eval` counts so; others have 2^grade - 1 in place of the grade,
//!   which is the same without grades.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::Number;

use crate::metric::{Part, Readings};

#[derive(Deserialize)]
struct Line {
    relevant: Relevant,
    returned: Vec<Id>,
}

#[derive(Deserialize, PartialEq, Eq, Hash)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(Number),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Relevant {
    Ids(Vec<Id>),
    Graded(BTreeMap<String, f64>),
}

impl Id {
    fn text(self) -> String {
        match self {
            Id::Text(text) => text,
            Id::Number(number) => number.to_string(),
        }
    }
}

/// A query: the grade of each result, those that do not count being zero, and
/// the grades of all that is relevant, the best first.
struct Query {
    returned: Vec<f64>,
    ideal: Vec<f64>,
}

/// Told besides the metric.
const TOLD: &[&str] = &["recall@1", "recall@5", "recall@10", "precision@5", "mrr", "ndcg@10"];

/// The means over all queries, and how many `queries` there are.
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let mut queries = Vec::new();
    for Part { path, text, .. } in parts {
        let place = |at: usize| match path.as_str() {
            "" => format!("line {} of the output", at + 1),
            path => format!("line {} of `{path}`", at + 1),
        };
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            match query(line) {
                Ok(query) => queries.push(query),
                Err(why) => return Readings::troubled(format!("{} {why}", place(at))),
            }
        }
    }
    if queries.is_empty() {
        return Readings::troubled("there is no query in the results");
    }
    let names = TOLD.iter().copied().filter(|told| *told != name).chain([name]);
    let mut numbers = vec![("queries".to_owned(), queries.len() as f64)];
    for name in names.filter(|name| *name != "queries") {
        let Some(measure) = measure(name) else {
            return Readings::troubled(format!(
                "there is no `{name}`; there are mrr and, for any k from 1, recall@k, precision@k and ndcg@k"
            ));
        };
        let sum: f64 = queries.iter().map(measure).sum();
        numbers.push((name.to_owned(), sum / queries.len() as f64));
    }
    Readings::of(name, numbers)
}

fn query(line: &str) -> Result<Query, String> {
    let Line { relevant, returned } = serde_json::from_str(line).map_err(|_| {
        "is not `{\"query\": …, \"relevant\": [ids], \"returned\": [ids]}` in JSON".to_owned()
    })?;
    let mut grades: BTreeMap<String, f64> = match relevant {
        Relevant::Ids(ids) => ids.into_iter().map(|id| (id.text(), 1.0)).collect(),
        Relevant::Graded(grades) => grades,
    };
    grades.retain(|_, grade| *grade > 0.0 && grade.is_finite());
    if grades.is_empty() {
        return Err(
            "has no relevant id, so that nothing can be found; leave such queries out".to_owned()
        );
    }
    let mut seen = HashSet::new();
    let returned = returned.into_iter().map(Id::text).filter(|id| seen.insert(id.clone()));
    let returned = returned.map(|id| grades.get(&id).copied().unwrap_or_default()).collect();
    let mut ideal: Vec<f64> = grades.into_values().collect();
    ideal.sort_by(|one, two| two.total_cmp(one));
    Ok(Query { returned, ideal })
}

/// A number of one query.
type PerQuery = Box<dyn Fn(&Query) -> f64>;

/// What `name` says of one query.
fn measure(name: &str) -> Option<PerQuery> {
    if name == "mrr" {
        return Some(Box::new(|query| {
            let first = query.returned.iter().position(|grade| *grade > 0.0);
            first.map_or(0.0, |at| 1.0 / (at + 1) as f64)
        }));
    }
    let (kind, k) = name.split_once('@')?;
    let k: usize = k.parse().ok().filter(|k| (1..=1_000_000).contains(k))?;
    let found = move |query: &Query| {
        query.returned.iter().take(k).filter(|grade| **grade > 0.0).count() as f64
    };
    match kind {
        "recall" => Some(Box::new(move |query| found(query) / query.ideal.len() as f64)),
        "precision" => Some(Box::new(move |query| found(query) / k as f64)),
        "ndcg" => Some(Box::new(move |query| {
            // Of the best, so that no sum of sane grades is infinite.
            let best = query.ideal.first().copied().unwrap_or(1.0);
            let gain = |grades: &[f64]| {
                let ranked = grades.iter().take(k).enumerate();
                ranked.map(|(at, grade)| grade / best / ((at + 2) as f64).log2()).sum::<f64>()
            };
            gain(&query.returned) / gain(&query.ideal)
        })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::part;
    use super::*;

    fn read(name: &str, text: &str) -> Readings {
        super::read(name, &[part("results.jsonl", text)])
    }

    fn is(name: &str, text: &str, value: f64) {
        let read = read(name, text);
        assert!(read.metric.is_some_and(|v| (v - value).abs() < 5e-4), "{name}: {read:?}");
    }

    const TWO: &str = "{\"query\": \"a\", \"relevant\": [1, 2, \"x\"], \"returned\": [7, 2, 2, \"1\", 8]}\n\n\
                       {\"query\": \"b\", \"relevant\": [\"y\"], \"returned\": [\"y\"]}\n";

    /// By hand: of the first query the second and third of four distinct results
    /// are relevant, of the second the first.
    #[test]
    fn the_numbers_are_those_computed_by_hand() {
        is("recall@5", TWO, f64::midpoint(2.0 / 3.0, 1.0));
        is("recall@2", TWO, f64::midpoint(1.0 / 3.0, 1.0));
        is("precision@2", TWO, 1.0 / 2.0);
        is("mrr", TWO, f64::midpoint(1.0 / 2.0, 1.0));
        let ideal = 1.0 + 1.0 / 3.0_f64.log2() + 0.5;
        is("ndcg@10", TWO, f64::midpoint((1.0 / 3.0_f64.log2() + 0.5) / ideal, 1.0));
        assert_eq!(read("mrr", TWO).secondary.get("queries"), Some(&2.0));
    }

    /// Wikipedia, "Discounted cumulative gain": results graded 3, 2, 3, 0, 1, 2,
    /// and two more documents graded 3 and 2 that were not returned: 0.785.
    /// "Mean reciprocal rank": catten, tori, viruses: 11/18.
    #[test]
    fn the_numbers_are_those_of_published_examples() {
        let graded = r#"{"relevant": {"a": 3, "b": 2, "c": 3, "d": 0, "e": 1, "f": 2, "g": 3, "h": 2},
            "returned": ["a", "b", "c", "d", "e", "f"]}"#;
        is("ndcg@6", &graded.replace('\n', ""), 0.785);
        is(
            "mrr",
            "{\"query\": \"cat\", \"relevant\": [\"cats\"], \"returned\": [\"catten\", \"cati\", \"cats\"]}\n\
             {\"query\": \"torus\", \"relevant\": [\"tori\"], \"returned\": [\"torii\", \"tori\", \"toruses\"]}\n\
             {\"query\": \"virus\", \"relevant\": [\"viruses\"], \"returned\": [\"viruses\", \"virii\", \"viri\"]}\n",
            11.0 / 18.0,
        );
    }

    #[test]
    fn what_cannot_be_measured_is_trouble_with_its_line() {
        let why = |name, text| read(name, text).trouble.unwrap();
        assert!(why("mrr", "").contains("no query"));
        let text = format!("{TWO}{{\"relevant\": [], \"returned\": [1]}}\n");
        assert!(why("mrr", &text).starts_with("line 4 of `results.jsonl` has no relevant id"));
        assert!(why("mrr", "{\"relevant\": [[1]], \"returned\": []}").starts_with("line 1"));
        for name in ["recall@0", "recall@x", "recall@", "map", "ndcg@99999999999999999999999"] {
            assert!(why(name, TWO).contains("recall@k"), "{name}");
        }
    }
}
