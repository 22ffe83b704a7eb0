//! How large the files of a build are; their text says nothing.

use crate::metric::{Part, Readings};

/// Bytes of all files, of the largest, and how many files there are.
pub(super) fn read(name: &str, parts: &[Part]) -> Readings {
    let sizes = || parts.iter().map(|part| part.bytes);
    let all = sizes().fold(0_u64, u64::saturating_add) as f64;
    let largest = sizes().max().unwrap_or_default() as f64;
    let numbers = [("bytes", all), ("largest_bytes", largest), ("files", parts.len() as f64)];
    Readings::of(name, numbers.map(|(name, value)| (name.to_owned(), value)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::part;

    #[test]
    fn sizes_are_added_up() {
        let readings = super::read("bytes", &[part("a", "123"), part("b", "12345")]);
        assert_eq!(readings.metric, Some(8.0));
        assert_eq!(readings.secondary.get("largest_bytes"), Some(&5.0));
        assert_eq!(readings.secondary.get("files"), Some(&2.0));
    }
}
