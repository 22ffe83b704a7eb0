//! Ways to change settings.

use super::{Settings, Space, Suggestion, Value, Random, same, tune};

/// One knob as the search sees it: a row of readable values with places.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub name: String,
    pub choice: bool,
    values: Vec<Value>,
    positions: Vec<f64>,
    /// What the incumbent has.
    current: Option<Value>,
    here: f64,
    domain: super::Domain,
}

/// What a candidate does with one knob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Slot {
    /// As in the incumbent.
    Keep,
    /// Set to the value with this number.
    Set(usize),
}

impl Axis {
    fn place(&self, value: Option<&Value>) -> f64 {
        let other = if self.choice { self.values.len() as f64 } else { 0.5 };
        value.and_then(|v| self.domain.position(v)).unwrap_or(other)
    }

    /// Slot of the offered value nearest to a place.
    fn nearest(&self, at: f64) -> Slot {
        let right = self.positions.partition_point(|p| *p < at);
        let index = if right == 0 {
            0
        } else if right >= self.positions.len() || at - self.positions[right - 1] < self.positions[right] - at {
            right - 1
        } else {
            right
        };
        self.slot(index)
    }

    fn slot(&self, index: usize) -> Slot {
        match (&self.current, self.values.get(index)) {
            (_, None) => Slot::Keep,
            (Some(current), Some(value)) if same(current, value) => Slot::Keep,
            _ => Slot::Set(index),
        }
    }

    fn coordinate(&self, slot: Slot) -> f64 {
        match slot {
            Slot::Keep => self.here,
            Slot::Set(index) => self.positions[index],
        }
    }

    fn alternatives(&self) -> usize {
        (0..self.values.len()).filter(|i| self.slot(*i) != Slot::Keep).count()
    }

    /// Any value, evenly over the scale.
    fn fresh(&self, random: &mut Random) -> Slot {
        if self.choice { self.slot(random.below(self.values.len())) } else { self.nearest(random.unit()) }
    }

    /// A value about `step` of the range away, never the same.
    fn step(&self, from: Slot, step: f64, random: &mut Random) -> Slot {
        if self.values.len() < 2 {
            return self.fresh(random);
        }
        if self.choice {
            for _ in 0..8 {
                let slot = self.fresh(random);
                if slot != from { return slot; }
            }
            return from;
        }
        let here = self.coordinate(from);
        let mut to = here + step;
        if !(0.0..=1.0).contains(&to) { to = here - step; }
        let to = to.clamp(0.0, 1.0);
        let slot = self.nearest(to);
        if slot != from { return slot; }
        // the next value in that direction
        let i = self.positions.partition_point(|p| *p < here - 1e-12);
        let j = self.positions.partition_point(|p| *p <= here + 1e-12);
        let pick = if step > 0.0 { if j < self.values.len() { j } else { i.saturating_sub(1) } }
            else if i > 0 { i - 1 } else { j.min(self.values.len() - 1) };
        self.slot(pick)
    }
}

/// The space around one incumbent.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub axes: Vec<Axis>,
    incumbent: Settings,
    movable: Vec<usize>,
}

impl View {
    pub(super) fn new(space: &Space, incumbent: &Settings) -> View {
        let axes: Vec<Axis> = space
            .knobs
            .iter()
            .map(|knob| {
                let values = knob.domain.values();
                let mut axis = Axis {
                    name: knob.name.clone(),
                    choice: matches!(knob.domain, super::Domain::Choice { .. }),
                    positions: values.iter().map(|v| knob.domain.position(v).unwrap_or(0.5)).collect(),
                    values,
                    current: incumbent.get(&knob.name).cloned(),
                    here: 0.0,
                    domain: knob.domain.clone(),
                };
                axis.here = axis.place(axis.current.as_ref());
                axis
            })
            .collect();
        let movable = (0..axes.len()).filter(|i| axes[*i].alternatives() > 0).collect();
        View { axes, incumbent: incumbent.clone(), movable }
    }

    pub(super) fn is_fixed(&self) -> bool {
        self.movable.is_empty()
    }

    pub(super) fn suggestion(&self, slots: &[Slot]) -> Suggestion {
        let mut settings = self.incumbent.clone();
        let mut changed = Vec::new();
        for (axis, slot) in self.axes.iter().zip(slots) {
            if let Slot::Set(index) = slot {
                settings.insert(axis.name.clone(), axis.values[*index].clone());
                changed.push(axis.name.clone());
            }
        }
        Suggestion { settings, changed }
    }

    pub(super) fn point(&self, settings: &Settings) -> Vec<f64> {
        self.axes.iter().map(|a| settings.get(&a.name).map_or(a.here, |v| a.place(Some(v)))).collect()
    }

    pub(super) fn slots(&self, settings: &Settings) -> Vec<Slot> {
        self.axes
            .iter()
            .map(|a| match settings.get(&a.name) {
                Some(v) if !a.current.as_ref().is_some_and(|c| same(c, v)) => {
                    if a.choice {
                        a.domain.position(v).map_or(Slot::Keep, |p| a.nearest(p))
                    } else {
                        a.nearest(a.place(Some(v)))
                    }
                }
                _ => Slot::Keep,
            })
            .collect()
    }

    pub(super) fn coordinates(&self, slots: &[Slot]) -> Vec<f64> {
        self.axes.iter().zip(slots).map(|(a, s)| a.coordinate(*s)).collect()
    }

    pub(super) fn edits(&self, slots: &[Slot]) -> usize {
        slots.iter().filter(|s| **s != Slot::Keep).count()
    }

    /// All knobs drawn anew, each with this probability.
    pub(super) fn wide(&self, random: &mut Random, share: f64) -> Vec<Slot> {
        self.axes.iter().map(|a| if random.unit() < share { a.fresh(random) } else { Slot::Keep }).collect()
    }

    /// One knob set to any other value.
    pub(super) fn fresh_single(&self, number: usize, random: &mut Random) -> Vec<Slot> {
        let mut slots = vec![Slot::Keep; self.axes.len()];
        let k = self.movable[number % self.movable.len()];
        for _ in 0..8 {
            slots[k] = self.axes[k].fresh(random);
            if slots[k] != Slot::Keep { break; }
        }
        slots
    }

    fn mutate(&self, slots: &mut [Slot], k: usize, random: &mut Random) {
        let axis = &self.axes[k];
        if random.unit() < 0.33 {
            slots[k] = axis.fresh(random);
        } else {
            let step = [0.03, 0.1, 0.25][random.below(3)] * random.normal();
            slots[k] = axis.step(slots[k], step, random);
        }
    }

    pub(super) fn candidates(&self, elite: &[Vec<Slot>], random: &mut Random) -> Vec<Vec<Slot>> {
        let mut all = Vec::new();
        let here = vec![Slot::Keep; self.axes.len()];
        let n_single = tune(4, 300.0) as usize;
        let n_pair = tune(5, 150.0) as usize;
        let n_cross = tune(6, 150.0) as usize;
        let n_wide = tune(7, 50.0) as usize;
        for i in 0..n_single {
            let base = if i % 2 == 0 || elite.is_empty() { &here } else { &elite[random.below(elite.len().min(2))] };
            let mut slots = base.clone();
            self.mutate(&mut slots, self.movable[(i / 2) % self.movable.len()], random);
            all.push(slots);
        }
        for _ in 0..n_pair {
            let base = if elite.is_empty() { &here } else { &elite[random.below(elite.len().min(3))] };
            let mut slots = base.clone();
            let edits = 2 + random.below(2);
            for _ in 0..edits {
                self.mutate(&mut slots, self.movable[random.below(self.movable.len())], random);
            }
            all.push(slots);
        }
        if !elite.is_empty() {
            for _ in 0..n_cross {
                let mut slots: Vec<Slot> =
                    (0..self.axes.len()).map(|k| elite[random.below(elite.len())][k]).collect();
                for k in 0..slots.len() {
                    if random.unit() < 0.3 { self.mutate(&mut slots, k, random); }
                }
                all.push(slots);
            }
        }
        for _ in 0..n_wide {
            all.push(self.wide(random, 1.0));
        }
        all.sort_by(|a, b| key(a).cmp(&key(b)));
        all.dedup();
        all
    }

    pub(super) fn enumerate<'a>(&'a self, random: &mut Random) -> impl Iterator<Item = Vec<Slot>> + 'a {
        let size = self.axes.iter().fold(1_u64, |s, a| s.saturating_mul(a.values.len().max(1) as u64 + 1));
        let start = random.next() % size;
        (0..size.min(50_000)).map(move |i| {
            let mut left = ((u128::from(start) + u128::from(i)) % u128::from(size)) as u64;
            self.axes
                .iter()
                .map(|a| {
                    let n = a.values.len() as u64 + 1;
                    let digit = left % n;
                    left /= n;
                    if digit == 0 { Slot::Keep } else { a.slot(digit as usize - 1) }
                })
                .collect()
        })
    }
}

fn key(slots: &[Slot]) -> Vec<usize> {
    slots.iter().map(|s| match s { Slot::Keep => 0, Slot::Set(i) => i + 1 }).collect()
}
