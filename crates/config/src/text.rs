//! Times and sizes as a file has them: exact, so that what is written reads
//! back as the same value.

use std::time::Duration;

use autoresearch_core::units::{Bytes, parse_duration};

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// A duration as `1h30m` or `250ms`, to the millisecond.
pub(crate) fn duration(duration: Duration) -> String {
    let (whole, ms) = (duration.as_secs(), duration.subsec_millis());
    if whole == 0 && ms > 0 {
        return format!("{ms}ms");
    }
    let part = |count: u64, unit| {
        if count > 0 { format!("{count}{unit}") } else { String::new() }
    };
    let seconds = match (whole % 60, ms) {
        (0, 0) if whole > 0 => String::new(),
        (seconds, 0) => format!("{seconds}s"),
        (seconds, ms) => format!("{seconds}.{}s", format!("{ms:03}").trim_end_matches('0')),
    };
    part(whole / 3600, "h") + &part(whole % 3600 / 60, "m") + &seconds
}

/// Reads a duration and rounds it to the millisecond; zero is a duration too.
pub(crate) fn read_duration(text: &str) -> Result<Duration, String> {
    let trimmed = text.trim();
    if ["0", "0s", "0ms", "0m", "0h"].contains(&trimmed) {
        return Ok(Duration::ZERO);
    }
    let exact = parse_duration(trimmed).map_err(|e| e.to_string())?;
    let ms = (exact.as_secs_f64() * 1000.0).round();
    if ms < 1.0 {
        return Err(format!("`{text}` is shorter than a millisecond"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and at most a year of milliseconds"
    )]
    Ok(Duration::from_millis(ms as u64))
}

/// A size in the largest unit that divides it, as `3MiB`.
pub(crate) fn size(bytes: Bytes) -> String {
    UNITS
        .iter()
        .take(4)
        .find(|(_, unit)| bytes.0 > 0 && bytes.0.is_multiple_of(*unit))
        .map_or_else(|| format!("{}B", bytes.0), |(name, unit)| format!("{}{name}", bytes.0 / unit))
}

/// Reads `4096`, `512KiB`, `1.5 GiB`, `10MB`; case and spaces do not matter.
pub(crate) fn read_size(text: &str) -> Result<Bytes, String> {
    let bad = || format!("`{text}` is not a size; write it as `4096`, `512KiB` or `4MiB`");
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(trimmed.len());
    let (number, unit) = (&trimmed[..digits], trimmed[digits..].trim());
    let unit = match unit {
        "" => 1,
        unit => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(bad)?.1,
    };
    let bytes = if number.contains('.') {
        let bytes = number.parse::<f64>().map_err(|_| bad())? * unit as f64;
        if bytes >= 9e15 {
            return Err(bad());
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "digits only, and below 2^53"
        )]
        Some(bytes.round() as u64)
    } else {
        number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit))
    };
    bytes.map(Bytes).ok_or_else(bad)
}

macro_rules! as_text {
    ($module:ident, $type:ty, $write:path, $read:path) => {
        /// For `#[serde(with = …)]`.
        pub(crate) mod $module {
            use super::*;
            use serde::{Deserialize, Deserializer, Serializer, de};

            pub(crate) fn serialize<S: Serializer>(
                value: &$type,
                to: S,
            ) -> Result<S::Ok, S::Error> {
                to.serialize_str(&$write(*value))
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
                from: D,
            ) -> Result<$type, D::Error> {
                $read(&String::deserialize(from)?).map_err(de::Error::custom)
            }
        }
    };
}
as_text!(duration_text, Duration, duration, read_duration);
as_text!(size_text, Bytes, size, read_size);

/// For `#[serde(with = …)]` on what may be absent.
macro_rules! as_optional_text {
    ($module:ident, $type:ty, $write:path, $read:path) => {
        pub(crate) mod $module {
            use super::*;
            use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

            #[expect(clippy::ref_option, reason = "serde calls it so")]
            pub(crate) fn serialize<S: Serializer>(
                value: &Option<$type>,
                to: S,
            ) -> Result<S::Ok, S::Error> {
                value.map($write).serialize(to)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
                from: D,
            ) -> Result<Option<$type>, D::Error> {
                Option::<String>::deserialize(from)?
                    .map(|text| $read(&text))
                    .transpose()
                    .map_err(de::Error::custom)
            }
        }
    };
}
as_optional_text!(optional_duration_text, Duration, duration, read_duration);
as_optional_text!(optional_size_text, Bytes, size, read_size);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_and_sizes_are_short_where_they_can_be() {
        for (ms, text) in [
            (0, "0s"),
            (250, "250ms"),
            (300_000, "5m"),
            (5_400_000, "1h30m"),
            (65_250, "1m5.25s"),
            (28_800_000, "8h"),
        ] {
            assert_eq!(duration(Duration::from_millis(ms)), text);
        }
        for (bytes, text) in [(0, "0B"), (4096, "4KiB"), (1000, "1000B"), (3 << 20, "3MiB")] {
            assert_eq!(size(Bytes(bytes)), text);
        }
        assert_eq!(read_size("1.5 gib"), Ok(Bytes(3 << 29)));
        assert_eq!(read_size("10MB"), Ok(Bytes(10_000_000)));
        for text in
            ["", "MiB", "-1", "1e9", "1..5MiB", "5 parsecs", "99999999999999999999", "9999999TiB9"]
        {
            assert!(read_size(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_written_duration_reads_back_exactly(ms in 0_u64..31_536_000_000) {
            let time = Duration::from_millis(ms);
            prop_assert_eq!(read_duration(&duration(time)), Ok(time));
        }

        #[test]
        fn a_written_size_reads_back_exactly(bytes: u64) {
            prop_assert_eq!(read_size(&size(Bytes(bytes))), Ok(Bytes(bytes)));
        }

        #[test]
        fn no_text_makes_the_readers_panic(text in ".{0,20}|[0-9.]{0,12} ?[a-zA-Z]{0,3}") {
            let _ = (read_size(&text), read_duration(&text));
        }
    }
}
