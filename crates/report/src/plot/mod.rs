//! The plot that goes on top of a README: every experiment as a point, what was
//! kept labelled with its hypothesis, the running best as a step line.
//!
//! Hand-made SVG, since direct labels and a light grid are the point of it;
//! [`plot_png`] renders the same document. Colour never carries meaning alone:
//! a keep is a filled disc, a discard a ring, a crash a cross, what lies off
//! the scale a triangle.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions on a drawing: casts from floats saturate, which is what is wanted"
)]

mod arrange;
mod chart;
mod draw;
mod labels;
mod png;
mod scale;
mod text;

pub use chart::Size;
pub use png::{PngError, plot_png};

use crate::history::History;

/// The plot of a session as an SVG document of bounded length.
pub fn plot_svg(history: &History, size: Size) -> String {
    draw::document(&chart::Chart::of(history, size), history)
}
