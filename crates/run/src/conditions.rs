//! What the machine is like while a trial runs, from what Linux counts anyway:
//! a look before, one after, and for frequencies some in between.

use std::fs;
use std::time::{Duration, Instant};

use autoresearch_core::conditions::Conditions;

use crate::{cpus, sys};

/// In a shorter time the kernel's counters, which go by hundredths of a second
/// for each CPU, say nothing of other programs.
const SHORTEST: Duration = Duration::from_millis(500);
/// When frequencies are looked at first; then each time that the trial is twice
/// as old.
const FIRST_FREQUENCIES: Duration = Duration::from_millis(50);
/// Of more CPUs than that they are not: each takes microseconds.
const MOST_FREQUENCIES: usize = 32;

/// The conditions of a trial, so far.
#[derive(Debug)]
pub(crate) struct ConditionsWatch {
    began: Instant,
    /// The CPUs that the trial is held to.
    cpus: Vec<usize>,
    before: Option<Times>,
    /// Microseconds in which somebody waited for a CPU.
    waited: Option<u64>,
    own_seconds: f64,
    frequencies: Frequencies,
    next_look: Duration,
}

/// What CPUs have done since the machine started, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Times {
    busy: u64,
    stolen: u64,
}

#[derive(Debug, Default)]
struct Frequencies {
    files: Vec<String>,
    /// Whether the trial is held to these CPUs; if not, the fastest may be its own.
    is_held: bool,
    sum: f64,
    looks: u32,
}

impl ConditionsWatch {
    /// Begins with the trial that will be held to these CPUs; none are all.
    pub(crate) fn begin(cpus: &[usize]) -> ConditionsWatch {
        ConditionsWatch {
            began: Instant::now(),
            cpus: cpus.to_vec(),
            before: times(cpus),
            waited: waited(),
            own_seconds: sys::own_cpu_seconds(),
            frequencies: Frequencies::of(cpus),
            next_look: FIRST_FREQUENCIES,
        }
    }

    /// Looks at what has no counter, if it is time.
    pub(crate) fn look(&mut self) {
        let age = self.began.elapsed();
        if age >= self.next_look {
            self.frequencies.look();
            self.next_look = age * 2;
        }
    }

    /// All that is known, now that every process of the trial is gone; together
    /// they used so many CPU seconds.
    pub(crate) fn end(mut self, cpu_seconds: f64) -> Conditions {
        let elapsed = self.began.elapsed();
        if self.frequencies.looks == 0 {
            self.frequencies.look();
        }
        let mhz = self.frequencies.mean();
        if elapsed < SHORTEST {
            return Conditions { mhz, ..Conditions::default() };
        }
        let seconds = elapsed.as_secs_f64();
        let passed = self.before.zip(times(&self.cpus)).map(|(before, after)| Times {
            busy: after.busy.saturating_sub(before.busy),
            stolen: after.stolen.saturating_sub(before.stolen),
        });
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        // Looking is no load of other programs'.
        let ours = cpu_seconds + sys::own_cpu_seconds() - self.own_seconds;
        let others = passed.map(|times| (times.busy as f64 / ticks - ours).max(0.0) / seconds);
        let steal = passed.map(|times| {
            times.stolen as f64 / (times.busy.saturating_add(times.stolen)).max(1) as f64
        });
        let pressure = self
            .waited
            .zip(waited())
            .map(|(before, after)| (after.saturating_sub(before) as f64 / 1e6 / seconds).min(1.0));
        Conditions {
            own: Some(cpu_seconds / seconds),
            others,
            steal,
            pressure,
            mhz,
            ..Conditions::default()
        }
    }
}

fn times(cpus: &[usize]) -> Option<Times> {
    times_in(&fs::read_to_string("/proc/stat").ok()?, cpus)
}

/// Of these CPUs, or of all, from `/proc/stat` as `proc(5)` has it. None if one
/// of them is not there.
fn times_in(stat: &str, cpus: &[usize]) -> Option<Times> {
    let of = |name: &str| {
        let fields = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        let ticks: Vec<u64> = fields.split_whitespace().map_while(|n| n.parse().ok()).collect();
        // User, nice, system, idle, iowait, irq, softirq, steal. The time of
        // guests is in user's.
        let [user, nice, system, _, _, irq, softirq, stolen, ..] = ticks[..] else { return None };
        let busy = [user, nice, system, irq, softirq].into_iter().fold(0, u64::saturating_add);
        Some(Times { busy, stolen })
    };
    if cpus.is_empty() {
        return of("cpu");
    }
    cpus.iter().try_fold(Times::default(), |sum, cpu| {
        let one = of(&format!("cpu{cpu}"))?;
        Some(Times {
            busy: sum.busy.saturating_add(one.busy),
            stolen: sum.stolen.saturating_add(one.stolen),
        })
    })
}

fn waited() -> Option<u64> {
    waited_in(&fs::read_to_string("/proc/pressure/cpu").ok()?)
}

/// Microseconds of the line `some`, from `/proc/pressure/cpu`.
fn waited_in(pressure: &str) -> Option<u64> {
    let line = pressure.lines().find(|line| line.starts_with("some "))?;
    line.split_whitespace().find_map(|field| field.strip_prefix("total="))?.parse().ok()
}

impl Frequencies {
    fn of(held: &[usize]) -> Frequencies {
        let file =
            |cpu: &usize| format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq");
        let all = if held.is_empty() { cpus::allowed() } else { held.to_vec() };
        let mut files: Vec<String> = all.iter().take(MOST_FREQUENCIES).map(file).collect();
        // Virtual machines as a rule have none.
        if !files.first().is_some_and(|file| fs::exists(file).unwrap_or(false)) {
            files.clear();
        }
        Frequencies { files, is_held: !held.is_empty(), ..Frequencies::default() }
    }

    fn look(&mut self) {
        let kilohertz = |file: &String| fs::read_to_string(file).ok()?.trim().parse::<u32>().ok();
        let all: Vec<f64> = self.files.iter().filter_map(kilohertz).map(f64::from).collect();
        let now = if self.is_held {
            all.iter().sum::<f64>() / all.len() as f64
        } else {
            all.iter().copied().fold(f64::NAN, f64::max)
        };
        if now.is_finite() {
            self.sum += now / 1000.0;
            self.looks += 1;
        }
    }

    fn mean(&self) -> Option<f64> {
        (self.looks > 0).then(|| self.sum / f64::from(self.looks))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Linux 6.18 on a virtual machine, recorded and shortened.
    const STAT: &str = "cpu  2017541 183682 863515 1634366 13153 0 6993 1168 0 0\n\
        cpu0 987988 73659 418585 874959 3602 0 777 607 0 0\n\
        cpu1 1029553 110022 444929 759406 9551 0 6215 561 0 0\n\
        intr 36727258 0 0\nctxt 1\n";

    #[test]
    fn the_time_of_the_trials_own_cpus_is_counted() {
        let all = Times { busy: 2_017_541 + 183_682 + 863_515 + 6993, stolen: 1168 };
        assert_eq!(times_in(STAT, &[]), Some(all));
        let one = Times { busy: 987_988 + 73_659 + 418_585 + 777, stolen: 607 };
        assert_eq!(times_in(STAT, &[0]), Some(one));
        assert_eq!(times_in(STAT, &[0, 7]), None);
        assert_eq!(times_in("cpu 1 2 3\n", &[]), None);
    }

    #[test]
    fn waiting_for_a_cpu_is_counted_since_the_machine_started() {
        let text = "some avg10=46.32 avg60=33.56 avg300=17.98 total=10148355422\n\
            full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        assert_eq!(waited_in(text), Some(10_148_355_422));
        assert_eq!(waited_in("full total=1\n"), None);
    }

    #[test]
    fn the_frequency_is_that_of_the_trials_cpus() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let files = vec![file("0", "3000000\n"), file("1", "2000000\n"), file("2", "<unknown>\n")];
        let mut held = Frequencies { files: files.clone(), is_held: true, ..Default::default() };
        held.look();
        assert_eq!(held.mean(), Some(2500.0));
        let mut free = Frequencies { files, ..Default::default() };
        assert_eq!(free.mean(), None);
        free.look();
        free.look();
        assert_eq!(free.mean(), Some(3000.0));
    }

    #[test]
    fn a_short_trial_says_nothing_of_other_programs() {
        let conditions = ConditionsWatch::begin(&[]).end(0.1);
        assert_eq!((conditions.own, conditions.others), (None, None));
    }

    proptest! {
        #[test]
        fn no_text_of_the_kernels_makes_it_panic(text in "(cpu[0-9]? |some |total=|[0-9]{1,6}| |\n){0,60}") {
            let _ = (times_in(&text, &[]), times_in(&text, &[0]), waited_in(&text));
        }
    }
}
