//! What a proposer is told.

use autoresearch_core::session::Queued;
use autoresearch_propose::{Brief, Mark};

use super::{Office, texts};
use crate::adjust;

impl Office<'_> {
    pub(super) fn brief(&self, number: u64, queued: Option<&Queued>) -> Brief {
        let focus = self.state.focus();
        let seed = self.state.plan().map_or(0, |plan| plan.seed);
        Brief {
            number,
            metric: self.config.metric.name.clone(),
            direction: self.config.metric.direction,
            budget_seconds: self.config.budget.wall().as_secs_f64(),
            quota: self.config.budget.quota().map(ToString::to_string),
            command: self.config.run.command.clone(),
            scope: self.config.scope,
            targets: texts(&self.targets),
            origin: self.origin.clone(),
            context: self.context.clone(),
            baseline: self.state.baseline().zip(self.state.plan()).map(|(metric, plan)| Mark {
                number: 0,
                commit: plan.base.0.clone(),
                metric,
            }),
            incumbent: self.state.incumbent().map(|incumbent| Mark {
                number: incumbent.number,
                commit: incumbent.commit.0.clone(),
                metric: incumbent.metric,
            }),
            hypothesis: queued.map(|q| q.hypothesis.clone()),
            near: focus.near,
            avoid: focus.avoid,
            failures_in_a_row: focus.failures_in_a_row,
            complaint: self.complaint.clone(),
            history: self.past.iter().cloned().collect(),
            platform: self.state.plan().map(adjust::for_brief).unwrap_or_default(),
            ranges: self.config.search.clone(),
            // Every question has its own lots, the same ones after a crash.
            seed: mix(seed, number, u64::from(self.state.stuck())),
        }
    }
}

/// `SplitMix64`'s finaliser over three numbers (Steele et al., 2014).
fn mix(a: u64, b: u64, c: u64) -> u64 {
    let mut z = a
        .wrapping_add(b.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .wrapping_add(c.wrapping_mul(0xD1B5_4A32_D192_ED03));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
