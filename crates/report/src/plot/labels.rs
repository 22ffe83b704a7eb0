//! Where labels go: each beside its point, none over another, over a kept point
//! or over the step line.
//!
//! Greedy, the most important label first: of all places around a point that
//! collide with nothing, the one that is nearest and covers the fewest other
//! points. What fits nowhere is tried shorter, then left out.

/// A rectangle in pixels; `x` and `y` are its smallest coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    pub(crate) fn overlaps(&self, other: &Rect) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }

    fn is_inside(&self, outer: &Rect) -> bool {
        self.x >= outer.x
            && self.y >= outer.y
            && self.x + self.width <= outer.x + outer.width
            && self.y + self.height <= outer.y + outer.height
    }
}

/// Side of the squares in which the points under a label are counted, in pixels.
const CELL: f64 = 12.0;
/// Points that a label may hide, about: whole squares are counted.
const MOST_COVERED: f64 = 1.0;

/// How many points lie where, as a summed-area table: the number in any
/// rectangle takes four look-ups (Crow 1984).
#[derive(Clone)]
pub(crate) struct Crowd {
    columns: usize,
    rows: usize,
    sums: Vec<u32>,
}

impl Crowd {
    pub(crate) fn new(width: f64, height: f64, points: impl Iterator<Item = (f64, f64)>) -> Crowd {
        let (columns, rows) = ((width / CELL) as usize + 1, (height / CELL) as usize + 1);
        let stride = columns + 1;
        let mut sums = vec![0_u32; stride * (rows + 1)];
        for (x, y) in points {
            let (column, row) = ((x.max(0.0) / CELL) as usize, (y.max(0.0) / CELL) as usize);
            if column < columns && row < rows {
                sums[(row + 1) * stride + column + 1] += 1;
            }
        }
        for row in 1..=rows {
            for column in 1..=columns {
                let i = row * stride + column;
                sums[i] = sums[i] + sums[i - 1] + sums[i - stride] - sums[i - stride - 1];
            }
        }
        Crowd { columns, rows, sums }
    }

    fn within(&self, rect: &Rect) -> f64 {
        let cell = |at: f64, most: usize| ((at.max(0.0) / CELL) as usize).min(most);
        let (x0, x1) = (cell(rect.x, self.columns), cell(rect.x + rect.width + CELL, self.columns));
        let (y0, y1) = (cell(rect.y, self.rows), cell(rect.y + rect.height + CELL, self.rows));
        let sum = |x: usize, y: usize| f64::from(self.sums[y * (self.columns + 1) + x]);
        sum(x1, y1) - sum(x0, y1) - sum(x1, y0) + sum(x0, y0)
    }
}

/// Where the text stands and how it is tied to its point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    /// What the text covers.
    pub(crate) rect: Rect,
    /// Whether the text ends at the point instead of starting there.
    pub(crate) ends_there: bool,
    /// The line from the point to the text, if it is not beside it.
    pub(crate) leader: Option<Rect>,
}

/// Everything that labels must not cover, and must stay inside of.
#[derive(Clone)]
pub(crate) struct Placer {
    pub(crate) bounds: Rect,
    pub(crate) taken: Vec<Rect>,
    pub(crate) crowd: Crowd,
    /// The side of the step line on which there are no points: 1 is below.
    pub(crate) empty_side: f64,
    /// How far a leader keeps away from the middle of its point.
    pub(crate) clearance: f64,
}

impl Placer {
    /// Finds a place for a text of this size that belongs to the point at
    /// `(x, y)`, and takes it.
    pub(crate) fn place(&mut self, x: f64, y: f64, width: f64, height: f64) -> Option<Place> {
        let best = self
            .candidates(x, y, width, height)
            .filter(|p| self.is_free(p))
            .map(|p| (self.cost(&p, y), p))
            .min_by(|a, b| a.0.total_cmp(&b.0))?
            .1;
        self.taken.push(grown(best.rect, 3.0, 1.0));
        self.taken.extend(best.leader);
        Some(best)
    }

    /// Beside the point on the left or right, then further and further from the
    /// step line, a few places also across it.
    fn candidates(
        &self,
        x: f64,
        y: f64,
        width: f64,
        height: f64,
    ) -> impl Iterator<Item = Place> + use<> {
        let (side, clearance) = (self.empty_side, self.clearance);
        let steps = (0..40)
            .map(move |i| side * f64::from(i))
            .chain((1..14).map(move |i| -side * f64::from(i)));
        steps.flat_map(move |step| {
            let offset = step * 0.5 * height;
            [true, false].map(|ends_there| {
                // Beside the disc the text keeps clear of it; further away it
                // stands right at its leader.
                let gap = if offset.abs() < height { 9.0 } else { 4.0 };
                let left = if ends_there { x - gap - width } else { x + gap };
                let rect = Rect { x: left, y: y + offset - height / 2.0, width, height };
                let leader = (offset.abs() >= height).then(|| {
                    let (from, to) = if offset > 0.0 {
                        (y + clearance, y + offset + height * 0.35)
                    } else {
                        (y + offset - height * 0.35, y - clearance)
                    };
                    Rect { x: x - 0.5, y: from, width: 1.0, height: (to - from).max(0.0) }
                });
                Place { rect, ends_there, leader }
            })
        })
    }

    fn is_free(&self, place: &Place) -> bool {
        self.covered(place) <= MOST_COVERED
            && place.rect.is_inside(&self.bounds)
            && place.leader.is_none_or(|l| l.is_inside(&self.bounds))
            && !self
                .taken
                .iter()
                .any(|t| t.overlaps(&place.rect) || place.leader.is_some_and(|l| t.overlaps(&l)))
    }

    /// Pixels of distance; a covered point is as bad as 25 of them.
    fn cost(&self, place: &Place, y: f64) -> f64 {
        let middle = place.rect.y + place.rect.height / 2.0;
        (middle - y).abs() + 25.0 * self.covered(place) + if place.ends_there { 0.0 } else { 2.0 }
    }

    fn covered(&self, place: &Place) -> f64 {
        self.crowd.within(&Rect {
            x: place.rect.x - self.bounds.x,
            y: place.rect.y - self.bounds.y,
            ..place.rect
        })
    }
}

fn grown(rect: Rect, x: f64, y: f64) -> Rect {
    Rect {
        x: rect.x - x,
        y: rect.y - y,
        width: rect.width + 2.0 * x,
        height: rect.height + 2.0 * y,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_crowd_counts_what_lies_in_a_rectangle() {
        let crowd = Crowd::new(100.0, 100.0, [(5.0, 5.0), (50.0, 50.0), (51.0, 50.0)].into_iter());
        let count = |x, y| crowd.within(&Rect { x, y, width: 10.0, height: 10.0 });
        assert_eq!((count(0.0, 0.0), count(45.0, 45.0), count(80.0, 10.0)), (1.0, 2.0, 0.0));
    }

    proptest! {
        #[test]
        fn placed_labels_never_overlap(points in prop::collection::vec((0.0..600.0_f64, 0.0..300.0_f64, 20.0..200.0_f64), 1..40)) {
            let bounds = Rect { x: 0.0, y: 0.0, width: 600.0, height: 300.0 };
            let crowd = Crowd::new(600.0, 300.0, std::iter::empty());
            let mut placer = Placer { bounds, taken: Vec::new(), crowd, empty_side: 1.0, clearance: 6.0 };
            let places: Vec<Place> = points.iter().filter_map(|(x, y, w)| placer.place(*x, *y, *w, 14.0)).collect();
            for (i, a) in places.iter().enumerate() {
                prop_assert!(a.rect.is_inside(&bounds));
                for b in &places[..i] {
                    prop_assert!(!a.rect.overlaps(&b.rect), "{a:?} {b:?}");
                    prop_assert!(!b.leader.is_some_and(|l| l.overlaps(&a.rect)));
                }
            }
        }
    }
}
