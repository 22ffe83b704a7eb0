//! How well notes are found: recall at 5 and mean reciprocal rank of words, of meaning
//! and of both, on the labelled set in `examples/memory`.
//!
//! `cargo run -p autoresearch-memory --example retrieval [OUT.jsonl [SPLIT]]` prints a
//! table, and writes what the metric preset `retrieval` reads: a line for each question
//! of the split (`all`, `tune`, `held-out`) with what is relevant and what both together
//! returned.

use std::fmt::Write as _;
use std::path::Path;

use autoresearch_memory::{By, Meta, Note, Private, Query, Vault};
use serde::Deserialize;

#[derive(Deserialize)]
struct Labelled {
    query: String,
    relevant: Vec<String>,
    kind: String,
    split: String,
}

#[derive(Deserialize)]
struct Lesson {
    id: String,
    title: String,
    text: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let set = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/memory");
    let folder =
        std::env::temp_dir().join(format!("autoresearch-retrieval-{}", std::process::id()));
    let split = std::env::args().nth(2).unwrap_or("all".to_owned());
    let measured = measure(&set, &folder, &split);
    std::fs::remove_dir_all(&folder)?;
    let (table, lines) = measured?;
    #[expect(clippy::print_stdout, reason = "an example's output")]
    {
        print!("{table}");
    }
    if let Some(out) = std::env::args_os().nth(1) {
        std::fs::write(out, lines)?;
    }
    Ok(())
}

fn measure(
    set: &Path,
    folder: &Path,
    wanted: &str,
) -> Result<(String, String), Box<dyn std::error::Error>> {
    let mut vault = Vault::at(folder, Private::default());
    for line in std::fs::read_to_string(set.join("notes.jsonl"))?.lines() {
        let Lesson { id, title, text } = serde_json::from_str(line)?;
        let meta = Meta { title, ..Meta::default() };
        vault.add("set", &Note { name: id, meta, body: text })?;
    }
    let queries: Vec<Labelled> = std::fs::read_to_string(set.join("queries.jsonl"))?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let mut table = format!(
        "{} notes, {} questions\n\n| found by | questions | split | recall@5 | MRR |\n|---|---|---|---|---|\n",
        vault.count()?,
        queries.len()
    );
    let mut lines = String::new();
    for (by, name) in [(By::Words, "words"), (By::Meaning, "meaning"), (By::Both, "both")] {
        for (kind, split) in [
            ("question", "tune"),
            ("hypothesis", "tune"),
            ("question", "held-out"),
            ("hypothesis", "held-out"),
            ("all", "tune"),
            ("all", "held-out"),
            ("all", "all"),
        ] {
            let (mut recall, mut reciprocal, mut count) = (0.0, 0.0, 0.0);
            for labelled in queries.iter().filter(|labelled| {
                (kind == "all" || labelled.kind == kind)
                    && (split == "all" || labelled.split == split)
            }) {
                let query = Query { by, ..Query::new(&labelled.query, 10) };
                let hits = vault.search(&query)?;
                let returned: Vec<&str> = hits.iter().map(|hit| hit.entry.name.as_str()).collect();
                let is_relevant = |name: &&str| labelled.relevant.iter().any(|id| id == name);
                let found = returned.iter().take(5).filter(|name| is_relevant(name)).count();
                recall += found as f64 / labelled.relevant.len().min(5) as f64;
                let first = returned.iter().position(is_relevant);
                reciprocal += first.map_or(0.0, |at| 1.0 / (at + 1) as f64);
                count += 1.0;
                if by == By::Both && kind == "all" && split == wanted {
                    let line = serde_json::json!({
                        "query": labelled.query, "relevant": labelled.relevant, "returned": returned,
                    });
                    writeln!(lines, "{line}")?;
                }
            }
            writeln!(
                table,
                "| {name} | {count} {kind} | {split} | {:.3} | {:.3} |",
                recall / count,
                reciprocal / count
            )?;
        }
    }
    Ok((table, lines))
}
