//! How long a large vault takes: `cargo run -p autoresearch-memory --example speed
//! [NOTES]` makes one of so many notes (100,000 unless said) of the size of real ones,
//! indexes it, asks every question of `examples/memory` once by words, by meaning and by
//! both, and prints median and 95th percentile.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use autoresearch_memory::{By, Kind, Meta, Note, Private, Query, Vault};
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(100_000), |n| n.parse())?;
    let folder = std::env::temp_dir().join(format!("autoresearch-speed-{}", std::process::id()));
    let told = measure(count, &folder);
    std::fs::remove_dir_all(&folder)?;
    #[expect(clippy::print_stdout, reason = "an example's output")]
    {
        print!("{}", told?);
    }
    Ok(())
}

fn lines(name: &str) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/memory").join(name);
    Ok(std::fs::read_to_string(path)?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?)
}

fn measure(count: usize, folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let (lessons, queries) = (lines("notes.jsonl")?, lines("queries.jsonl")?);
    let text = |at: usize, key: &str| lessons[at % lessons.len()][key].as_str().unwrap_or_default();
    let mut bytes = 0;
    for n in 0..count {
        let title = format!("{} ({n})", text(n * 7 + n / 73, "title"));
        let body = format!(
            "# {title}\n\nDiscarded: no gain to be seen in {} runs.\n\n{}\n\nIt changes [[run-{n}]].\n\n## Change\n\n```diff\n-VALUE_{} = {n}\n+VALUE_{} = {}\n```\n",
            n % 5,
            text(n * 11 + n / 5, "text"),
            n % 97,
            n % 97,
            n + 1,
        );
        let meta = Meta {
            kind: Kind::Experiment,
            title,
            date: Some("2026-03-08T22:10:00Z".to_owned()),
            repository: Some(format!("repository-{}", n / 5000)),
            repository_id: Some(format!("{:040x}", n / 5000)),
            session: Some(format!("mar{}", n / 200)),
            session_id: Some(format!("{:016x}", n / 200)),
            experiment: Some((n % 200) as u64),
            hypothesis: Some(text(n, "title").to_owned()),
            platform: Some("NVIDIA H100 80GB HBM3, CUDA 12.8, 1 GPU".to_owned()),
            tags: vec!["autoresearch/experiment".to_owned(), "discard".to_owned()],
            ..Meta::default()
        };
        let note = Note { name: format!("note-{n}"), meta, body };
        let place = folder.join(format!("r{}", n / 5000)).join(format!("s{}", n / 200));
        if n % 200 == 0 {
            std::fs::create_dir_all(&place)?;
        }
        let markdown = note.to_markdown();
        bytes += markdown.len();
        std::fs::write(place.join(format!("{}.md", note.name)), markdown)?;
    }
    let mut told = format!("{count} notes, {} bytes each on average\n", bytes / count.max(1));
    let began = Instant::now();
    Vault::at(folder, Private::default()).reindex(&mut |_| ())?;
    writeln!(told, "reindex: {:.1} s", began.elapsed().as_secs_f64())?;
    writeln!(told, "\n| search by | median | p95 |\n|---|---|---|")?;
    for (by, name) in [(By::Words, "words"), (By::Meaning, "meaning"), (By::Both, "both")] {
        let mut times: Vec<Duration> = Vec::new();
        for query in &queries {
            // Opened anew for each, as a command does.
            let began = Instant::now();
            let mut vault = Vault::at(folder, Private::default());
            let asked = query["query"].as_str().unwrap_or_default();
            vault.search(&Query { by, ..Query::new(asked, 5) })?;
            times.push(began.elapsed());
        }
        times.sort();
        let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
        writeln!(told, "| {name} | {:.1} ms | {:.1} ms |", at(50), at(95))?;
    }
    Ok(told)
}
