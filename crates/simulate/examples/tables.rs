//! Writes the tables and the plot of `docs/judge.md` again:
//! `cargo run --release -p autoresearch-simulate --example tables`.
//! Four minutes on two cores; the same seed gives the same bytes.

use std::fmt::Write as _;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use autoresearch_core::judge::Mode;
use autoresearch_simulate::{Cell, Comparison, Landing, Rule, Table, World, cells, markdown, plot};

const SEED: u64 = 1;
/// Sessions of 100 runs, and of 700.
const SESSIONS: [u64; 2] = [1500, 300];
/// In the worlds that are not plain.
const ODD: u64 = 400;
const SLOTS: [u64; 6] = [1, 4, 16, 64, 256, 1000];
const OURS: [Rule; 3] =
    [Rule::Ours(Mode::Bold), Rule::Ours(Mode::Standard), Rule::Ours(Mode::Strict)];
/// What JUDGE.md asks for: the precision up to this noise.
const GOAL: [(f64, f64); 3] = [(0.5, 0.9), (1.0, 0.85), (2.0, 0.75)];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let began = Instant::now();
    let comparisons = comparisons();
    let jobs: Vec<_> = comparisons.iter().flat_map(Comparison::jobs).collect();
    let threads = std::thread::available_parallelism()?.min(NonZeroUsize::MIN.saturating_add(1));
    let mut said = 0.0;
    let found = cells(&jobs, threads, |share| {
        if share >= said + 0.1 {
            said = share;
            let seconds = began.elapsed().as_secs_f64();
            let left = seconds * (1.0 - share) / share;
            let _ = writeln!(std::io::stderr(), "{:.0}%, {left:.0} s left", 100.0 * share);
        }
        true
    })
    .ok_or("it was ended")?;
    let mut found = found.into_iter();
    let tables: Vec<Table> = comparisons.into_iter().map(|c| c.table(&mut found)).collect();
    let (first, rest) = tables.split_at(2);
    let (odd, slots) = rest.split_at(World::ALL.len() - 1);

    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = docs.join("judge.md");
    let mut text = std::fs::read_to_string(&page)?;
    for (name, block) in [
        ("goal", goal(first)),
        ("100 runs", first[0].markdown()),
        ("700 runs", first[1].markdown()),
        ("worlds", worlds(odd)),
        ("slots", of_slots(slots)),
    ] {
        text = replaced(&text, name, &block)?;
    }
    std::fs::write(&page, text)?;
    std::fs::write(docs.join("judge.svg"), plot(&drawn(&first[0])))?;
    writeln!(std::io::stderr(), "written in {:.0} s", began.elapsed().as_secs_f64())?;
    Ok(())
}

fn comparisons() -> Vec<Comparison> {
    let nus = vec![0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];
    let plain = |runs, sessions, rules: Vec<Rule>| Comparison {
        world: World::Plain,
        runs,
        sessions,
        slots: 1,
        seed: SEED,
        rules,
        nus: nus.clone(),
    };
    let ours = |first: Rule, last: &[Rule]| [&[first], &OURS[..], last].concat();
    let oracle = ours(Rule::Greedy, &[Rule::Best(0.0), Rule::Best(0.5)]);
    let mut all =
        vec![plain(100, SESSIONS[0], Rule::ALL.to_vec()), plain(700, SESSIONS[1], oracle)];
    for world in World::ALL.into_iter().filter(|world| *world != World::Plain) {
        let rules = ours(Rule::Greedy, &[]);
        let nus = vec![0.2, 0.5, 1.0, 2.0];
        all.push(Comparison { world, nus, ..plain(100, ODD, rules) });
    }
    for slots in SLOTS {
        let rules = vec![Rule::Greedy, Rule::Deviations(2.0), Rule::Confirm];
        let nus = vec![0.2, 1.0];
        all.push(Comparison { slots, nus, ..plain(100 * slots, of_slot(slots), rules) });
    }
    all
}

/// The more slots, the longer a session, and the less sessions differ.
fn of_slot(slots: u64) -> u64 {
    (6400 / slots).clamp(20, 600)
}

/// Where we are against what is asked for.
fn goal(tables: &[Table]) -> String {
    let mut text = String::from(
        "| runs | ν | greedy's gain | ours, standard | best possible at about that precision | precision | asked for | claimed beyond the truth | reached |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for table in tables {
        let cells = |rule: Rule| {
            let row = table.rows.iter().find(|row| row.rule == rule);
            row.map(|row| row.cells.as_slice()).unwrap_or_default()
        };
        let all = cells(Rule::Greedy)
            .iter()
            .zip(cells(Rule::Ours(Mode::Standard)))
            .zip(cells(Rule::Best(0.5)))
            .zip(&table.comparison.nus);
        for (((greedy, ours), best), nu) in all {
            let Some((_, asked)) = GOAL.iter().find(|(most, _)| nu <= most) else { continue };
            let error = greedy.gain_error.hypot(ours.gain_error);
            let parts = [
                ("gain", ours.gain >= greedy.gain, ours.gain + error >= greedy.gain),
                (
                    "precision",
                    ours.precision >= *asked,
                    ours.precision + ours.precision_error >= *asked,
                ),
                ("claim", ours.excess_share.abs() <= 0.1, false),
            ];
            let words =
                parts.iter().map(|(name, is_reached, is_near)| match (is_reached, is_near) {
                    (true, _) => format!("{name} yes"),
                    (false, true) => format!("{name} within its error"),
                    (false, false) => format!("{name} **no**"),
                });
            let reached = words.collect::<Vec<_>>().join(", ");
            let _ = writeln!(
                text,
                "| {} | {nu} | {:.3} ± {:.3} | {:.3} ± {:.3} | {:.3} at {:.0}% | {:.1} ± {:.1}% | {:.0}% | {:+.0}% | {} |",
                table.comparison.runs,
                greedy.gain,
                greedy.gain_error,
                ours.gain,
                ours.gain_error,
                best.gain,
                100.0 * best.precision,
                100.0 * ours.precision,
                100.0 * ours.precision_error,
                100.0 * asked,
                100.0 * ours.excess_share,
                reached
            );
        }
    }
    text
}

fn worlds(tables: &[Table]) -> String {
    let nus = tables.first().map(|table| table.comparison.nus.clone()).unwrap_or_default();
    let rows = tables.iter().flat_map(|table| {
        let world = table.comparison.world.name();
        table.rows.iter().map(move |row| {
            let rule = if row.rule == Rule::Greedy { "greedy".to_owned() } else { row.name() };
            (format!("{world}: {rule}"), row.cells.as_slice())
        })
    });
    markdown(nus.iter().map(|nu| format!("ν = {nu}")), rows)
}

/// Rules down, slots across, once for each noise.
fn of_slots(tables: &[Table]) -> String {
    let columns = || SLOTS.iter().map(|slots| format!("{slots} at once"));
    let Some(Table { comparison, .. }) = tables.first() else { return String::new() };
    let mut text = String::new();
    for (at, nu) in comparison.nus.iter().enumerate() {
        let rows: Vec<(String, Vec<Cell>)> = comparison
            .rules
            .iter()
            .flat_map(|rule| Landing::ALL.map(|landing| (rule, landing)))
            .map(|(rule, landing)| {
                let cell = |table: &Table| {
                    let fits = |of: Option<Landing>| of.is_none_or(|of| of == landing);
                    let row = table.rows.iter().find(|row| row.rule == *rule && fits(row.landing));
                    row.map(|row| row.cells[at])
                };
                let name = format!("{}, {}", rule.id(), landing.name());
                (name, tables.iter().filter_map(cell).collect())
            })
            .collect();
        let rows = rows.iter().map(|(name, cells)| (name.clone(), cells.as_slice()));
        let _ = write!(text, "ν = {nu}:\n\n{}\n", markdown(columns(), rows));
    }
    text
}

/// Without the noise at which there is nothing to see.
fn drawn(table: &Table) -> [Table; 1] {
    let mut table = table.clone();
    table.comparison.nus.remove(0);
    for row in &mut table.rows {
        row.cells.remove(0);
    }
    [table]
}

/// The page with another block between the markers of that name.
fn replaced(text: &str, name: &str, block: &str) -> Result<String, String> {
    let (start, end) = (format!("<!-- simulated: {name} -->\n"), "<!-- end -->");
    let missing = || format!("docs/judge.md has no block `{name}`");
    let (before, rest) = text.split_once(&start).ok_or_else(missing)?;
    let (_, after) = rest.split_once(end).ok_or_else(missing)?;
    Ok(format!("{before}{start}\n{}\n\n{end}{after}", block.trim_end()))
}
