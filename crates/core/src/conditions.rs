//! What the machine was like during a trial, and whether it was so unlike what
//! it was during others that this alone may explain a difference.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Other programs count from so many CPUs on: less is what any system does
/// beside, and comes and goes.
const OTHERS: f64 = 0.25;
/// And from this part of what the trial itself uses: below it they can slow it
/// down by no more than that, as a rule by far less.
const OTHERS_PART: f64 = 0.25;
/// Frequencies of CPUs and GPUs that differ by this part. Steps of a governor
/// and of turbo are 100 MHz, some 3%; a change of metric by less is no finding.
const FREQUENCY_PART: f64 = 0.05;
/// Part of the time that the hypervisor withheld: above it a virtual machine is
/// short of CPUs, below it the hypervisor does its own work.
const STEAL: f64 = 0.02;

/// What the machine was like during a trial. What the system does not tell is
/// `None`; all are means over the trial.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conditions {
    /// CPUs that the trial kept busy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own: Option<f64>,
    /// CPUs that other programs kept busy, of those that the trial could use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub others: Option<f64>,
    /// Part of the time wanted of these CPUs that a hypervisor took, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steal: Option<f64>,
    /// Part of the time in which some program had to wait for a CPU, anywhere on
    /// the machine, from 0 to 1 (Linux's pressure stall information, `some`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pressure: Option<f64>,
    /// Frequency of these CPUs, in MHz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mhz: Option<f64>,
    /// The GPUs of the machine, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<GpuConditions>,
    /// Steps that the run said it had done, where the budget counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
}

/// What a GPU was like during a trial.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GpuConditions {
    /// Frequency of its multiprocessors, in MHz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mhz: Option<f64>,
    /// Why it was slowed down, as `thermal slowdown`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub throttled: Vec<String>,
}

impl Conditions {
    /// In what they were unlike the mean of `others`, in words, if that may
    /// explain a difference between the results: `None` if it may not, or if
    /// nothing is known. Unlike is
    ///
    /// - use of CPUs by other programs that differs by more than 0.25 CPUs and by
    ///   more than a quarter of the CPUs that the trial used itself,
    /// - a frequency of the CPUs, or of a GPU, that differs by more than 5%,
    /// - what a hypervisor took of the CPU time, where it differs by more than 2%,
    /// - a GPU that was slowed down in one case only.
    pub fn unlike(&self, others: &[Conditions]) -> Option<String> {
        let mut words = Vec::new();
        let pair = |of: fn(&Conditions) -> Option<f64>| of(self).zip(mean(others, of));
        if let Some((here, there)) = pair(|c| c.others) {
            let own = self.own.or_else(|| mean(others, |c| c.own)).unwrap_or(1.0);
            if (here - there).abs() > OTHERS.max(OTHERS_PART * own) {
                words.push(format!(
                    "other programs used {here:.1} CPUs during it, {there:.1} during the incumbent's"
                ));
            }
        }
        if let Some((here, there)) = pair(|c| c.steal)
            && (here - there).abs() > STEAL
        {
            words.push(format!(
                "the hypervisor took {} of its CPU time, {} of the incumbent's",
                percent(here),
                percent(there)
            ));
        }
        if let Some((here, there)) = pair(|c| c.mhz).filter(|(a, b)| is_other_frequency(*a, *b)) {
            words.push(format!("its CPUs ran at {}, the incumbent's at {}", ghz(here), ghz(there)));
        }
        for (n, gpu) in self.gpus.iter().enumerate() {
            words.extend(gpu.unlike(n, others));
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

impl GpuConditions {
    /// As [`Conditions::unlike`], of the GPU number `n`.
    fn unlike(&self, n: usize, others: &[Conditions]) -> Vec<String> {
        let mut words = Vec::new();
        let theirs: Vec<&GpuConditions> = others.iter().filter_map(|c| c.gpus.get(n)).collect();
        if theirs.is_empty() {
            return words;
        }
        let known: Vec<f64> = theirs.iter().filter_map(|gpu| gpu.mhz).collect();
        let there = (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64);
        if let Some((here, there)) = self.mhz.zip(there).filter(|(a, b)| is_other_frequency(*a, *b))
        {
            let (here, there) = (ghz(here), ghz(there));
            words.push(format!(
                "GPU {n} ran at {here} during it, at {there} during the incumbent's"
            ));
        }
        let was_throttled = theirs.iter().any(|gpu| !gpu.throttled.is_empty());
        if !self.throttled.is_empty() && !was_throttled {
            words.push(format!(
                "GPU {n} was slowed down ({}) during it, not during the incumbent's",
                self.throttled.join(", ")
            ));
        } else if self.throttled.is_empty() && theirs.iter().all(|gpu| !gpu.throttled.is_empty()) {
            words.push(format!("GPU {n} was slowed down during the incumbent's, not during it"));
        }
        words
    }
}

/// As `others 0.1 CPUs, 3.20 GHz`; empty when nothing is known.
impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.own.map(|own| format!("used {own:.1} CPUs")));
        parts.extend(self.others.map(|others| format!("other programs {others:.1}")));
        parts.extend(self.steal.filter(|s| *s >= 0.001).map(|s| format!("{} stolen", percent(s))));
        parts
            .extend(self.pressure.map(|p| format!("waiting for a CPU {} of the time", percent(p))));
        parts.extend(self.mhz.map(ghz));
        for (n, gpu) in self.gpus.iter().enumerate() {
            let mhz = gpu.mhz.map_or_else(String::new, |mhz| format!(" {}", ghz(mhz)));
            let throttled = if gpu.throttled.is_empty() {
                String::new()
            } else {
                format!(" ({})", gpu.throttled.join(", "))
            };
            parts.push(format!("GPU {n}{mhz}{throttled}"));
        }
        parts.extend(self.steps.map(|steps| format!("{steps} steps")));
        f.write_str(&parts.join(", "))
    }
}

fn mean(all: &[Conditions], of: fn(&Conditions) -> Option<f64>) -> Option<f64> {
    let known: Vec<f64> = all.iter().filter_map(of).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

fn is_other_frequency(a: f64, b: f64) -> bool {
    (a - b).abs() > FREQUENCY_PART * a.max(b)
}

fn percent(part: f64) -> String {
    format!("{:.1}%", part * 100.0)
}

fn ghz(mhz: f64) -> String {
    format!("{:.2} GHz", mhz / 1000.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn loaded(own: f64, others: f64) -> Conditions {
        Conditions { own: Some(own), others: Some(others), ..Conditions::default() }
    }

    #[test]
    fn other_programs_explain_a_difference_when_they_weigh_beside_the_trial() {
        let quiet = [loaded(1.0, 0.0), loaded(1.0, 0.1)];
        assert_eq!(
            loaded(1.0, 1.4).unlike(&quiet).unwrap(),
            "other programs used 1.4 CPUs during it, 0.1 during the incumbent's"
        );
        // The other way round, too.
        assert!(loaded(1.0, 0.0).unlike(&[loaded(0.6, 1.4)]).is_some());
        assert_eq!(loaded(1.0, 0.28).unlike(&quiet), None);
        // Beside eight busy CPUs one is little.
        assert_eq!(loaded(8.0, 1.0).unlike(&quiet), None);
        assert!(loaded(8.0, 2.5).unlike(&quiet).is_some());
    }

    #[test]
    fn frequency_and_a_hypervisor_explain_one_as_well() {
        let at = |mhz| Conditions { mhz: Some(mhz), ..Conditions::default() };
        assert_eq!(
            at(2100.0).unlike(&[at(3000.0)]).unwrap(),
            "its CPUs ran at 2.10 GHz, the incumbent's at 3.00 GHz"
        );
        assert_eq!(at(2900.0).unlike(&[at(3000.0)]), None);
        let stolen = |steal| Conditions { steal: Some(steal), ..Conditions::default() };
        assert_eq!(
            stolen(0.1).unlike(&[stolen(0.0)]).unwrap(),
            "the hypervisor took 10.0% of its CPU time, 0.0% of the incumbent's"
        );
        assert_eq!(stolen(0.1).unlike(&[stolen(0.1)]), None);
        assert_eq!(stolen(0.015).unlike(&[stolen(0.0)]), None);
    }

    #[test]
    fn a_gpu_that_was_slowed_down_in_one_case_only_is_named() {
        let gpu = |mhz, why: &[&str]| Conditions {
            gpus: vec![GpuConditions {
                mhz: Some(mhz),
                throttled: why.iter().map(ToString::to_string).collect(),
            }],
            ..Conditions::default()
        };
        let cool = gpu(1980.0, &[]);
        let hot = gpu(1200.0, &["thermal slowdown"]);
        assert_eq!(
            hot.unlike(std::slice::from_ref(&cool)).unwrap(),
            "GPU 0 ran at 1.20 GHz during it, at 1.98 GHz during the incumbent's; \
             GPU 0 was slowed down (thermal slowdown) during it, not during the incumbent's"
        );
        assert!(cool.unlike(std::slice::from_ref(&hot)).unwrap().contains("not during it"));
        assert_eq!(hot.unlike(std::slice::from_ref(&hot)), None);
        assert_eq!(hot.unlike(&[]), None);
    }

    #[test]
    fn what_is_not_known_explains_nothing() {
        assert_eq!(loaded(1.0, 5.0).unlike(&[]), None);
        assert_eq!(loaded(1.0, 5.0).unlike(&[Conditions::default()]), None);
        assert_eq!(Conditions::default().unlike(&[loaded(1.0, 5.0)]), None);
        assert_eq!(Conditions::default().to_string(), "");
        assert_eq!(serde_json::to_string(&Conditions::default()).unwrap(), "{}");
    }

    proptest! {
        #[test]
        fn nothing_is_unlike_itself(own in 0.0_f64..64.0, others in 0.0_f64..64.0, steal in 0.0_f64..1.0, mhz in 1.0_f64..6000.0) {
            let some = Conditions { steal: Some(steal), mhz: Some(mhz), ..loaded(own, others) };
            prop_assert_eq!(some.unlike(std::slice::from_ref(&some)), None);
        }
    }
}
