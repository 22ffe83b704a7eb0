//! `autoresearch measure throughput`: how much is done in a second.

use std::time::Duration;

use super::args::ThroughputArgs;
use super::drive::Until;
use super::{latency, shoot};
use crate::args::Global;
use crate::exit::Exit;

/// How long it is measured unless said otherwise.
const TIME: Duration = Duration::from_secs(10);

pub(super) fn run(global: &Global, args: &ThroughputArgs) -> anyhow::Result<Exit> {
    let (names, shots) = shoot(global, &args.aim, Until::Time(TIME), args.items_pattern.as_ref())?;
    let seconds = shots.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    let each = args.items.unwrap_or(1) as f64;
    let items = |aim| shots.times(aim).map(|done| done.items * each).sum::<f64>();
    let mut rows = Vec::new();
    if names.len() > 1 {
        for (at, name) in names.iter().enumerate() {
            rows.push((format!("{name}.per_second"), items(Some(at)) / seconds));
        }
    }
    rows.push(("items".to_owned(), items(None)));
    rows.push(("seconds".to_owned(), seconds));
    rows.push(("per_second".to_owned(), items(None) / seconds));
    rows.push(("errors".to_owned(), shots.errors() as f64));
    latency::print(global, rows)
}
