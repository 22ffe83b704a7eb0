//! How well a search finds what it should.

use super::{Preset, up};
use crate::metric::Format;

pub(super) const RETRIEVAL: Preset = Preset {
    name: "retrieval",
    about: "how well a search finds what it should, from lines of query, relevant and returned ids",
    measures: &[
        up("recall@5", "share of the relevant that is among the first 5, mean over queries"),
        up("mrr", "1 / rank of the first relevant, mean over queries"),
        up("recall@*", "as recall@5, for another number"),
        up("precision@*", "share of the first so many that is relevant, mean over queries"),
        up(
            "ndcg@*",
            "normalized discounted cumulative gain of the first so many, mean over queries",
        ),
    ],
    command: &[],
    budget: "5m",
    format: Format::Retrieval,
    files: &["results.jsonl"],
    codes: 0..=0,
};
