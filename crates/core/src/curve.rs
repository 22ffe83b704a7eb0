//! Learning curves: what a run printed of a series as it went.
//!
//! Whether a run is hopeless, judged by its curve and those of others, is
//! [`session`](crate::session)'s to say.

use serde::{Deserialize, Serialize};

use crate::metric::Direction;

/// Points that a curve holds while its run goes on.
const MOST: usize = 200;

/// Points that are kept of a finished one.
const KEPT: usize = 32;

/// A value of the series, and when it was printed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(f64, f64)", into = "(f64, f64)")]
pub struct Point {
    /// Wall-clock seconds since the run began.
    pub seconds: f64,
    /// The value.
    pub value: f64,
}

impl From<(f64, f64)> for Point {
    fn from((seconds, value): (f64, f64)) -> Point {
        Point { seconds, value }
    }
}

impl From<Point> for (f64, f64) {
    fn from(point: Point) -> (f64, f64) {
        (point.seconds, point.value)
    }
}

/// The values of a series in the order of their times. Bounded: of a long one
/// every second point is dropped, again and again; the last one stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Point>", into = "Vec<Point>")]
pub struct Curve {
    points: Vec<Point>,
    /// One in so many is kept.
    stride: u64,
    /// Points that came in.
    heard: u64,
}

/// What came in between is not what it is.
impl PartialEq for Curve {
    fn eq(&self, other: &Curve) -> bool {
        self.points == other.points
    }
}

impl From<Vec<Point>> for Curve {
    fn from(points: Vec<Point>) -> Curve {
        let mut curve = Curve::default();
        for point in points {
            curve.push(point);
        }
        curve
    }
}

impl From<Curve> for Vec<Point> {
    fn from(curve: Curve) -> Vec<Point> {
        curve.points
    }
}

impl Curve {
    /// Takes in the next point; one that is not finite, or of an earlier time
    /// than the last, is passed over.
    pub fn push(&mut self, point: Point) {
        let is_later = self.points.last().is_none_or(|last| point.seconds > last.seconds);
        if !point.seconds.is_finite() || !point.value.is_finite() || !is_later {
            return;
        }
        self.stride = self.stride.max(1);
        // The last one, which stands for now, and whose turn it was not.
        if self.heard > 0 && !(self.heard - 1).is_multiple_of(self.stride) {
            self.points.pop();
        }
        self.heard += 1;
        self.points.push(point);
        if self.points.len() > MOST {
            self.stride *= 2;
            let mut at = 0;
            self.points.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            // With an odd number of points the last of them is among the kept.
        }
    }

    /// Its points, by time.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The last point.
    pub fn last(&self) -> Option<Point> {
        self.points.last().copied()
    }

    /// The value at a time, in seconds: on the line between the two points
    /// around it, the last one after the end; `None` before the first.
    pub fn at(&self, seconds: f64) -> Option<f64> {
        let after = self.points.partition_point(|point| point.seconds <= seconds);
        let before = *self.points.get(after.checked_sub(1)?)?;
        let Some(next) = self.points.get(after) else { return Some(before.value) };
        let share = (seconds - before.seconds) / (next.seconds - before.seconds);
        // Not `a + share * (b - a)`, whose difference may overflow.
        Some((1.0 - share) * before.value + share * next.value)
    }

    /// With 32 points at most, evenly taken, the first and the last among them;
    /// times to the millisecond, values to nine digits. What a journal keeps: as
    /// short as that, numbers are read as they were written.
    #[must_use]
    pub fn thinned(&self) -> Curve {
        let most = self.points.len().saturating_sub(1);
        let points = (0..KEPT.min(self.points.len()))
            .map(|i| if most < KEPT { i } else { i * most / (KEPT - 1) })
            .map(|at| self.points[at])
            .map(|Point { seconds, value }| Point {
                seconds: (seconds * 1000.0).round() / 1000.0,
                value: format!("{value:.8e}").parse().unwrap_or(value),
            });
        Curve::from(points.collect::<Vec<_>>())
    }

    /// Which way is better, by the way that it went: a script learns. `None`
    /// when it went neither way.
    pub fn way(&self) -> Option<Direction> {
        let (first, last) = (self.points.first()?, self.last()?);
        if last.value < first.value {
            Some(Direction::Minimize)
        } else {
            (last.value > first.value).then_some(Direction::Maximize)
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "what is kept is kept as it was")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(points: u32) -> Curve {
        let mut curve = Curve::default();
        (1..=points).for_each(|i| curve.push((f64::from(i), f64::from(i) * 2.0).into()));
        curve
    }

    #[test]
    fn a_long_curve_is_thinned_and_keeps_both_ends() {
        for points in [1, 2, 199, 200, 201, 202, 5000, 100_001] {
            let curve = line(points);
            assert!(curve.points().len() <= MOST, "{points}");
            assert!(curve.points().len() >= 100.min(points as usize), "{points}");
            assert_eq!(curve.points()[0].seconds, 1.0, "{points}");
            assert_eq!(curve.last().unwrap().seconds, f64::from(points));
            let kept = curve.thinned();
            assert_eq!(kept.points().len(), (points as usize).min(32));
            assert_eq!(kept.points()[0].seconds, 1.0);
            assert_eq!(kept.last(), curve.last());
            assert_eq!(kept.thinned(), kept);
        }
    }

    #[test]
    fn between_points_the_value_lies_on_a_line() {
        let curve = line(1000);
        assert_eq!(curve.at(0.9), None);
        assert!((curve.at(123.25).unwrap() - 246.5).abs() < 1e-9);
        assert_eq!(curve.at(1e9), Some(2000.0));
        assert_eq!((curve.way(), Curve::default().way()), (Some(Direction::Maximize), None));
    }

    proptest! {
        #[test]
        fn any_points_make_a_curve(points in prop::collection::vec((prop::num::f64::ANY, prop::num::f64::ANY), 0..300), at: f64) {
            let points: Vec<Point> = points.into_iter().map(Point::from).collect();
            let curve = Curve::from(points);
            let _ = (curve.at(at), curve.way());
            prop_assert!(curve.points().windows(2).all(|pair| pair[0].seconds < pair[1].seconds));
            let kept = curve.thinned();
            let json = serde_json::to_string(&kept).unwrap();
            prop_assert!(json.len() <= 2048);
        }

        #[test]
        fn what_a_journal_keeps_is_read_as_it_was(points in prop::collection::vec((0.0..1e5_f64, -1e9..1e9_f64), 0..300)) {
            let curve = Curve::from(points.into_iter().map(Point::from).collect::<Vec<_>>());
            let kept = curve.thinned();
            let json = serde_json::to_string(&kept).unwrap();
            let read: Curve = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read.points(), kept.points());
        }
    }
}
