//! Times of several benchmarks, each by its name and all together.

/// Benchmarks that become secondary numbers, at most.
const MOST: usize = 50;
/// Benchmarks that a message names, at most.
const MOST_NAMED: usize = 10;

/// The times of one benchmark, in one unit.
pub(super) struct Timing {
    pub(super) id: String,
    pub(super) min: f64,
    pub(super) median: f64,
    pub(super) mean: f64,
}

/// `min_UNIT`, `median_UNIT` and `mean_UNIT` as geometric means over all, the
/// fastest of each by its name, and how many there are. The geometric mean
/// weighs a benchmark of seconds as one of nanoseconds (Fleming and Wallace 1986,
/// "How not to lie with statistics").
///
/// # Errors
/// Why there is no number `name`.
pub(super) fn numbers(
    name: &str,
    unit: &str,
    plural: &str,
    mut timings: Vec<Timing>,
) -> Result<Vec<(String, f64)>, String> {
    if timings.is_empty() {
        return Err(format!("the report has no {plural}"));
    }
    let is_time = |time: f64| time.is_finite() && time > 0.0;
    let is_sound = |t: &Timing| [t.min, t.median, t.mean].into_iter().all(is_time);
    if let Some(timing) = timings.iter().find(|timing| !is_sound(timing)) {
        return Err(format!("a time of `{}` is not above zero", timing.id));
    }
    timings.sort_by(|one, two| one.id.cmp(&two.id));
    let over = |pick: fn(&Timing) -> f64| {
        (timings.iter().map(|timing| pick(timing).ln()).sum::<f64>() / timings.len() as f64).exp()
    };
    // As the tool has it where there is one: no last digit is lost in the logarithm.
    let over = |pick: fn(&Timing) -> f64| match &timings[..] {
        [one] => pick(one),
        _ => over(pick),
    };
    let mut numbers = vec![
        (format!("min_{unit}"), over(|timing| timing.min)),
        (format!("median_{unit}"), over(|timing| timing.median)),
        (format!("mean_{unit}"), over(|timing| timing.mean)),
        (plural.to_owned(), timings.len() as f64),
    ];
    let is_known =
        numbers.iter().any(|(known, _)| known == name) || name == format!("stddev_{unit}");
    if !is_known && timings.iter().all(|timing| timing.id != name) {
        let ids: Vec<String> =
            timings.iter().take(MOST_NAMED).map(|timing| format!("`{}`", timing.id)).collect();
        let more = if timings.len() > MOST_NAMED { ", …" } else { "" };
        return Err(format!("there is no `{name}` among the {plural}: {}{more}", ids.join(", ")));
    }
    let is_told = |(at, timing): &(usize, Timing)| *at < MOST || timing.id == name;
    let told = timings.into_iter().enumerate().filter(is_told);
    numbers.extend(told.map(|(_, timing)| (timing.id, timing.min)));
    Ok(numbers)
}
