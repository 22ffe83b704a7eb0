//! SVG to PNG with the bundled font, the same on every machine. Nothing is read
//! from the system: no fonts, no images.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{ImageHrefResolver, Options, Tree, fontdb};

const FAMILY: &str = "AutoResearch Sans";
const REGULAR: &[u8] = include_bytes!("../../fonts/AutoResearchSans-Regular.otf");
const SEMI_BOLD: &[u8] = include_bytes!("../../fonts/AutoResearchSans-SemiBold.otf");

/// Most pixels of a picture: 64 million, 256 MiB while it is drawn.
const MOST_PIXELS: f64 = 64e6;

/// Why there is no PNG.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// The document is no SVG.
    #[error("the plot is not a valid SVG document: {0}; make it anew with `plot_svg`")]
    Svg(#[from] resvg::usvg::Error),
    /// The picture would be empty or larger than 64 million pixels.
    #[error(
        "a scale of {scale} gives {width:.0} by {height:.0} pixels; choose one that gives 1 to 64 million"
    )]
    Size {
        /// The scale that was asked for.
        scale: f32,
        /// Width in pixels.
        width: f32,
        /// Height in pixels.
        height: f32,
    },
    /// The pixels could not be encoded.
    #[error("the picture cannot be encoded as PNG: {0}")]
    Encode(String),
}

/// Renders an SVG document, such as [`plot_svg`](crate::plot_svg) makes, at
/// `scale` pixels per unit; 2 suits most screens.
///
/// # Errors
/// When the document is no SVG, or the picture would be too large.
pub fn plot_png(svg: &str, scale: f32) -> Result<Vec<u8>, PngError> {
    let options = Options {
        font_family: FAMILY.to_owned(),
        fontdb: fonts(),
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options)?;
    let (width, height) = (tree.size().width() * scale, tree.size().height() * scale);
    let too_large = || PngError::Size { scale, width, height };
    if !(width >= 1.0 && height >= 1.0 && f64::from(width) * f64::from(height) <= MOST_PIXELS) {
        return Err(too_large());
    }
    let mut picture =
        Pixmap::new(width.round() as u32, height.round() as u32).ok_or_else(too_large)?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut picture.as_mut());
    picture.encode_png().map_err(|e| PngError::Encode(e.to_string()))
}

/// Both weights, and nothing else under any name.
fn fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    FONTS
        .get_or_init(|| {
            let mut fonts = fontdb::Database::new();
            fonts.load_font_data(REGULAR.to_vec());
            fonts.load_font_data(SEMI_BOLD.to_vec());
            fonts.set_sans_serif_family(FAMILY);
            fonts.set_serif_family(FAMILY);
            fonts.set_monospace_family(FAMILY);
            fonts.set_cursive_family(FAMILY);
            fonts.set_fantasy_family(FAMILY);
            Arc::new(fonts)
        })
        .clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SVG: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><text x="2" y="15" font-family="Helvetica, sans-serif" font-weight="WEIGHT">lr ²</text></svg>"#;

    fn ink(weight: &str) -> usize {
        let png = plot_png(&SVG.replace("WEIGHT", weight), 2.0).unwrap();
        let picture = Pixmap::decode_png(&png).unwrap();
        assert_eq!((picture.width(), picture.height()), (120, 40));
        picture.pixels().iter().map(|p| usize::from(p.alpha())).sum()
    }

    #[test]
    fn text_is_drawn_without_any_font_of_the_system() {
        assert!(ink("400") > 0);
        assert!(ink("600") > ink("400"), "the semi-bold weight is bolder");
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        assert!(matches!(plot_png("<svg", 1.0), Err(PngError::Svg(_))));
        for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e6] {
            assert!(matches!(plot_png(SVG, scale), Err(PngError::Size { .. })), "{scale}");
        }
    }
}
