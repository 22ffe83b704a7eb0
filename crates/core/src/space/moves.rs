//! Ways to change settings: the space as seen from one incumbent, where every
//! knob is a row of readable values.

use super::domain::{Domain, same};
use super::{Settings, Space, Suggestion};
use crate::proposal::Value;
use crate::random::Random;

/// What a change does with one knob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// As in the incumbent.
    Keep,
    /// Set to the offered value with this number, which is another one.
    Set(usize),
}

/// Place of what is no option.
const NO_OPTION: f64 = -1.0;

/// Knobs that a probe changes at most: more at once seldom run at all.
const PROBED: usize = 10;

/// Settings that [`View::all`] goes through at most.
const ENUMERATED: u64 = 50_000;

/// One knob.
#[derive(Clone, Debug)]
struct Axis {
    name: String,
    domain: Domain,
    choice: bool,
    values: Vec<Value>,
    /// Places of the values, ascending.
    places: Vec<f64>,
    /// Number of the value that the incumbent has, if it is an offered one.
    current: Option<usize>,
    /// Place of the incumbent's value.
    here: f64,
}

impl Axis {
    fn place(domain: &Domain, value: Option<&Value>) -> f64 {
        let unknown = if matches!(domain, Domain::Choice { .. }) { NO_OPTION } else { 0.5 };
        value.and_then(|v| domain.position(v)).unwrap_or(unknown)
    }

    fn slot(&self, index: usize) -> Slot {
        if index < self.values.len() && self.current != Some(index) {
            Slot::Set(index)
        } else {
            Slot::Keep
        }
    }

    /// The offered value nearest to a place.
    fn nearest(&self, at: f64) -> Slot {
        let above = self.places.partition_point(|p| *p < at);
        let below = above.saturating_sub(1);
        let closer =
            self.places.get(above).is_some_and(|p| p - at < (at - self.places[below]).abs());
        self.slot(if closer || above == 0 { above } else { below })
    }

    fn coordinate(&self, slot: Slot) -> f64 {
        match slot {
            Slot::Keep => self.here,
            Slot::Set(index) => self.places[index],
        }
    }

    /// Any value, evenly over the scale; seldom the incumbent's.
    fn fresh(&self, random: &mut Random) -> Slot {
        let mut draw = || {
            if self.choice {
                self.slot(random.below(self.values.len()))
            } else {
                self.nearest(random.unit())
            }
        };
        (0..6).map(|_| draw()).find(|slot| *slot != Slot::Keep).unwrap_or(Slot::Keep)
    }

    /// A value about this share of the range away, at least the next one;
    /// back into the range where it ends.
    fn step(&self, from: Slot, share: f64, random: &mut Random) -> Slot {
        if self.choice {
            return self.fresh(random);
        }
        let here = self.coordinate(from);
        let there = if (0.0..=1.0).contains(&(here + share)) { here + share } else { here - share };
        let slot = self.nearest(there.clamp(0.0, 1.0));
        if slot != from {
            return slot;
        }
        let above = self.places.partition_point(|p| *p <= here);
        let below = self.places.partition_point(|p| *p < here).checked_sub(1);
        let up = (above < self.places.len()).then_some(above);
        let next = if there > here { up.or(below) } else { below.or(up) };
        next.map_or(from, |index| self.slot(index))
    }
}

/// The space around one incumbent.
#[derive(Clone, Debug)]
pub(super) struct View {
    axes: Vec<Axis>,
    /// Knobs that have a value other than the incumbent's.
    movable: Vec<usize>,
    incumbent: Settings,
}

impl View {
    pub(super) fn new(space: &Space, incumbent: &Settings) -> View {
        let axes: Vec<Axis> = space
            .knobs
            .iter()
            .map(|knob| {
                let values = knob.domain.values();
                let current = incumbent.get(&knob.name);
                Axis {
                    name: knob.name.clone(),
                    choice: matches!(knob.domain, Domain::Choice { .. }),
                    places: values.iter().map(|v| Axis::place(&knob.domain, Some(v))).collect(),
                    current: current.and_then(|c| values.iter().position(|v| same(v, c))),
                    here: Axis::place(&knob.domain, current),
                    domain: knob.domain.clone(),
                    values,
                }
            })
            .collect();
        let others = |a: &Axis| a.values.len() - usize::from(a.current.is_some());
        let movable = (0..axes.len()).filter(|k| others(&axes[*k]) > 0).collect();
        View { axes, movable, incumbent: incumbent.clone() }
    }

    /// Whether nothing can be changed.
    pub(super) fn is_fixed(&self) -> bool {
        self.movable.is_empty()
    }

    /// Which coordinates are choices.
    pub(super) fn choices(&self) -> Vec<bool> {
        self.axes.iter().map(|a| a.choice).collect()
    }

    /// The change in words of the outside.
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

    /// Settings as a point of the unit cube.
    pub(super) fn point(&self, settings: &Settings) -> Vec<f64> {
        self.axes
            .iter()
            .map(|a| settings.get(&a.name).map_or(a.here, |v| Axis::place(&a.domain, Some(v))))
            .collect()
    }

    /// The change that leads from the incumbent to these settings, or to the
    /// nearest that are offered.
    pub(super) fn slots(&self, settings: &Settings) -> Vec<Slot> {
        let slot = |axis: &Axis| {
            let value = settings.get(&axis.name)?;
            if self.incumbent.get(&axis.name).is_some_and(|c| same(c, value)) {
                return None;
            }
            axis.domain.position(value).map(|place| axis.nearest(place))
        };
        self.axes.iter().map(|a| slot(a).unwrap_or(Slot::Keep)).collect()
    }

    /// The changed settings as a point of the unit cube.
    pub(super) fn coordinates(&self, slots: &[Slot]) -> Vec<f64> {
        self.axes.iter().zip(slots).map(|(a, s)| a.coordinate(*s)).collect()
    }

    /// Ten knobs at once, all if there are no more: one row of a Latin
    /// hypercube (`McKay`, Beckman and Conover 1979), the same for every row.
    pub(super) fn stratum(&self, row: usize, rows: usize, hypercube: &mut Random) -> Vec<Slot> {
        let mut slots = vec![Slot::Keep; self.axes.len()];
        for (axis, slot) in self.axes.iter().zip(&mut slots) {
            let mut order: Vec<usize> = (0..rows).collect();
            for i in (1..rows).rev() {
                order.swap(i, hypercube.below(i + 1));
            }
            let (offset, within) = (hypercube.below(axis.values.len()), hypercube.unit());
            if axis.choice && !axis.values.is_empty() {
                *slot = axis.slot((order[row] + offset) % axis.values.len());
            } else if !axis.values.is_empty() {
                *slot = axis.nearest((order[row] as f64 + within) / rows as f64);
            }
        }
        // Another ten in every row.
        let probed = self.movable.iter().cycle().skip(row * PROBED).take(PROBED);
        let probed: Vec<usize> = probed.copied().collect();
        for (k, slot) in slots.iter_mut().enumerate() {
            if !probed.contains(&k) {
                *slot = Slot::Keep;
            }
        }
        slots
    }

    /// One knob, the `number`th in turn, set to a value near the incumbent's.
    pub(super) fn near_single(&self, number: usize, random: &mut Random) -> Vec<Slot> {
        let mut slots = vec![Slot::Keep; self.axes.len()];
        let k = self.movable[number % self.movable.len()];
        let side = if random.unit() < 0.5 { -1.0 } else { 1.0 };
        slots[k] = self.axes[k].step(Slot::Keep, side * (0.08 + 0.17 * random.unit()), random);
        slots
    }

    /// One knob set to any other value.
    pub(super) fn fresh_single(&self, random: &mut Random) -> Vec<Slot> {
        let mut slots = vec![Slot::Keep; self.axes.len()];
        let k = self.any(random);
        slots[k] = self.axes[k].fresh(random);
        slots
    }

    /// Changes worth a look: edits of the incumbent and of good settings,
    /// mixtures of good settings, and fresh draws.
    pub(super) fn candidates(&self, good: &[Vec<Slot>], random: &mut Random) -> Vec<Vec<Slot>> {
        let here = vec![Slot::Keep; self.axes.len()];
        let among = |most: usize, random: &mut Random| {
            good.get(random.below(good.len().min(most))).unwrap_or(&here).clone()
        };
        let mut all = Vec::with_capacity(650);
        for i in 0..300 {
            let mut slots = if i % 2 == 0 { here.clone() } else { among(2, random) };
            self.edit(&mut slots, self.movable[i / 2 % self.movable.len()], random);
            all.push(slots);
        }
        for _ in 0..150 {
            let mut slots = among(3, random);
            for _ in 0..2 + random.below(2) {
                self.edit(&mut slots, self.any(random), random);
            }
            all.push(slots);
        }
        for _ in 0..150 {
            let mut slots: Vec<Slot> =
                (0..self.axes.len()).map(|k| among(good.len(), random)[k]).collect();
            for k in &self.movable {
                if random.unit() < 0.3 {
                    self.edit(&mut slots, *k, random);
                }
            }
            all.push(slots);
        }
        for _ in 0..50 {
            let mut slots = here.clone();
            for k in &self.movable {
                slots[*k] = self.axes[*k].fresh(random);
            }
            all.push(slots);
        }
        all
    }

    /// Changes one edit away from some, or with one edit taken back.
    pub(super) fn neighbours(
        &self,
        of: &[Vec<Slot>],
        count: usize,
        random: &mut Random,
    ) -> Vec<Vec<Slot>> {
        let neighbour = |slots: &Vec<Slot>| {
            let mut slots = slots.clone();
            let k = self.any(random);
            if slots[k] != Slot::Keep && random.unit() < 0.2 {
                slots[k] = Slot::Keep;
            } else {
                self.edit(&mut slots, k, random);
            }
            slots
        };
        of.iter().cycle().take(count).map(neighbour).collect()
    }

    /// All settings that differ from the incumbent's, up to a bound, from a
    /// place of one's own.
    pub(super) fn all(&self, start: u64) -> impl Iterator<Item = Vec<Slot>> + '_ {
        let options = |a: &Axis| a.values.len() as u64 + 1;
        let size = self.axes.iter().fold(1_u64, |product, a| product.saturating_mul(options(a)));
        (0..size.min(ENUMERATED)).map(move |i| {
            let mut left = (start % size).checked_add(i).map_or(i, |number| number % size);
            self.axes
                .iter()
                .map(|a| {
                    let digit = left % options(a);
                    left /= options(a);
                    usize::try_from(digit)
                        .ok()
                        .and_then(|d| d.checked_sub(1))
                        .map_or(Slot::Keep, |d| a.slot(d))
                })
                .collect()
        })
    }

    fn any(&self, random: &mut Random) -> usize {
        self.movable[random.below(self.movable.len())]
    }

    /// Sets one knob to a value nearby, or a third of the time to any.
    fn edit(&self, slots: &mut [Slot], k: usize, random: &mut Random) {
        let axis = &self.axes[k];
        slots[k] = if random.unit() < 0.33 {
            axis.fresh(random)
        } else {
            let share = [0.03, 0.1, 0.25][random.below(3)] * random.normal();
            axis.step(slots[k], share, random)
        };
    }
}
