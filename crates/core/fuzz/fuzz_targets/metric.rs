//! Any output in any chunks reads as it does in one piece, and nothing panics.
//!
//! `cargo fuzz run metric`; with a stable compiler `RUSTC_BOOTSTRAP=1` before it.
//! The first two bytes choose the source and the seed of the chunk sizes.

#![no_main]

use std::sync::LazyLock;

use autoresearch_core::metric::{Extractor, Source, read_json};
use libfuzzer_sys::fuzz_target;

/// Compiled once: under a sanitizer that takes far longer than reading.
static EXTRACTORS: LazyLock<Vec<Extractor>> = LazyLock::new(|| {
    let name = || "time".to_owned();
    let pattern = |pattern: &str, first| Source::Pattern {
        name: name(),
        pattern: pattern.to_owned(),
        first,
    };
    [
        Source::Printed { name: name() },
        pattern(r"time\W*(\S+)", false),
        pattern(r"^.*?(\d*)$", true),
        Source::Json {
            name: name(),
            file: "f".to_owned(),
            key: KEY.to_owned(),
        },
    ]
    .iter()
    .map(|source| Extractor::new(source).expect("a good source"))
    .collect()
});

const KEY: &str = "time.0";

fuzz_target!(|data: &[u8]| {
    let [choice, seed, output @ ..] = data else {
        return;
    };
    let extractor = &EXTRACTORS[usize::from(choice % 4)];
    // Repeated, so that some lines are longer than the extractor looks at at once.
    let output = if choice & 0xf0 != 0xf0 {
        output.to_vec()
    } else {
        output.repeat(1 + 200_000 / (output.len() + 1))
    };

    let mut whole = extractor.clone();
    whole.feed(&output);
    let mut parts = extractor.clone();
    let mut rest = output.as_slice();
    let mut state = u32::from(*seed);
    while !rest.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let size = 1 + (state >> 16) as usize % (1 + output.len() / 3);
        let (chunk, after) = rest.split_at(size.min(rest.len()));
        parts.feed(chunk);
        rest = after;
    }
    assert_eq!(parts.finish(), whole.finish());

    if choice % 4 == 3 {
        read_json(&String::from_utf8_lossy(&output), KEY, &[]);
    }
});
