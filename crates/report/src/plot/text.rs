//! How wide a text is when drawn, from the advances of the bundled font, so that
//! labels can be placed without drawing them.

/// Advances of the characters from space to tilde in thousandths of an em
/// (`AutoResearchSans-Regular.otf`).
const REGULAR: [u16; 95] = [
    281, 278, 403, 631, 638, 812, 639, 222, 362, 362, 500, 659, 280, 460, 276, 357, 625, 464, 605,
    636, 642, 608, 624, 571, 616, 624, 276, 280, 659, 659, 659, 507, 936, 676, 651, 727, 719, 598,
    587, 743, 740, 264, 543, 652, 562, 889, 753, 761, 635, 761, 639, 638, 642, 741, 676, 949, 642,
    665, 625, 362, 357, 362, 469, 452, 497, 564, 621, 558, 621, 582, 361, 609, 591, 237, 237, 544,
    237, 869, 585, 597, 609, 609, 372, 523, 364, 581, 557, 812, 540, 557, 541, 362, 327, 362, 659,
];

/// A browser without the bundled font uses one that may be wider.
const SAFETY: f64 = 1.04;
/// How much wider the semi-bold weight is.
const SEMI_BOLD: f64 = 1.03;

/// Width in pixels at a font size in pixels, rather too large than too small.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let thousandths: f64 = text
        .chars()
        .map(|c| match u32::from(c).checked_sub(32).and_then(|i| REGULAR.get(i as usize)) {
            Some(advance) => f64::from(*advance),
            None if u32::from(c) >= 0x2e80 => 1000.0,
            None => 700.0,
        })
        .sum();
    thousandths * size * SAFETY / 1000.0
}

/// As [`width`], in the semi-bold weight.
pub(crate) fn bold_width(text: &str, size: f64) -> f64 {
    width(text, size) * SEMI_BOLD
}

/// The longest start of `text` that is at most `most` pixels wide, with `…`
/// where something is missing.
pub(crate) fn cut(text: &str, size: f64, most: f64) -> String {
    if width(text, size) <= most {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = width("…", size);
    for c in text.chars() {
        used += width(c.encode_utf8(&mut [0; 4]), size);
        if used > most {
            break;
        }
        short.push(c);
    }
    short.truncate(short.trim_end_matches([' ', ',', '(', '→']).len());
    short.push('…');
    short
}
