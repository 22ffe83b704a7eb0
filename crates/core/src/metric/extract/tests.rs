//! What the extractor reads and what it does not.

use proptest::prelude::*;

use super::*;

fn printed(name: &str) -> Source {
    Source::Printed { name: name.to_owned() }
}

fn pattern(pattern: &str) -> Source {
    Source::Pattern { name: "time".to_owned(), pattern: pattern.to_owned() }
}

fn read(source: &Source, output: &[u8]) -> Readings {
    read_taking(Take::Last, source, output)
}

fn read_taking(take: Take, source: &Source, output: &[u8]) -> Readings {
    let mut extractor = Extractor::new(source).unwrap().taking(take);
    extractor.feed(output);
    extractor.finish()
}

fn metric(source: &Source, output: &str) -> Option<f64> {
    read(source, output.as_bytes()).metric
}

#[test]
fn the_block_of_karpathys_script_is_read() {
    let output = "step 00952 (99.9%) | loss: 2.9 | lrm: 0.00 | dt: 300ms\rstep 00953 (100.0%) | loss: 2.8\r\
                  ---\nval_bpb:          0.997900\ntraining_seconds: 300.1\npeak_vram_mb:     45060.2\n";
    let readings = read(&printed("val_bpb"), output.as_bytes());
    assert_eq!((readings.metric, readings.saw_non_finite), (Some(0.9979), false));
    assert_eq!(readings.secondary.get("peak_vram_mb"), Some(&45060.2));
    assert_eq!(readings.secondary.get("training_seconds"), Some(&300.1));
    assert_eq!(readings.secondary.get("loss"), Some(&2.8));
    assert!(!readings.secondary.contains_key("val_bpb"));
}

#[test]
fn the_last_finite_value_wins_and_others_are_remembered() {
    let readings = read(&printed("loss"), b"loss: 3\nloss: nan\nloss: 2\nloss: inf");
    assert_eq!((readings.metric, readings.saw_non_finite), (Some(2.0), true));
    let readings = read(&printed("loss"), b"loss: NaN\n");
    assert_eq!((readings.metric, readings.saw_non_finite), (None, true));
}

#[test]
fn lines_of_a_server_that_is_measured_are_not_read() {
    let output = "server| METRIC loss=1 lr=2\nloss=3\nserver| loss=4 lr=5\nserver| time: 6\n";
    let readings = read(&printed("loss"), output.as_bytes());
    assert_eq!((readings.metric, readings.secondary.get("lr")), (Some(3.0), None));
    assert_eq!(metric(&pattern("time: ([0-9])"), output), None);
    let mut wanting = Extractor::wanting(&printed("loss"), &["lr".to_owned()]).unwrap();
    wanting.feed(output.as_bytes());
    assert_eq!(wanting.so_far(), Some(3.0));
    assert!(wanting.finish().secondary.is_empty());
    assert_eq!(metric(&printed("loss"), "my server| loss=1\n"), Some(1.0));
}

#[test]
fn a_name_that_starts_its_field_outranks_one_in_a_phrase() {
    assert_eq!(metric(&printed("loss"), "loss: 2\nbest loss: 1\n"), Some(2.0));
    assert_eq!(metric(&printed("loss"), "train loss: 2\ntrain loss: 1\n"), Some(1.0));
    assert_eq!(metric(&printed("best loss"), "best loss: 1\nloss: 2\n"), Some(1.0));
    for field in [
        "METRIC loss=2",
        "12:00:01 INFO loss: 2",
        "epoch 3 loss: 2",
        "lr=1e-3 loss=2",
        "[a] loss 2",
    ] {
        assert_eq!(
            metric(&printed("loss"), &format!("{field}\nbest loss: 1\n")),
            Some(2.0),
            "{field}"
        );
    }
}

#[test]
fn colour_does_not_hide_a_name() {
    assert_eq!(
        metric(&printed("val/loss"), "\x1b[35mval/\x1b[95mloss\x1b[0m: \x1b[1;36m0.5\x1b[0m\n"),
        Some(0.5)
    );
}

#[test]
fn a_pattern_reads_the_first_or_the_last_match() {
    let output = "time: [1.2 ms 1.3 ms 1.4 ms]\nchange: [-0.345%]\ntime: [2.2 ms 2.3 ms 2.4 ms]\n";
    let middle = r"time:\s+\[\S+ \S+ (\S+)";
    assert_eq!(metric(&pattern(middle), output), Some(2.3));
    let first = |source: &Source, output: &str| read_taking(Take::First, source, output.as_bytes());
    assert_eq!(first(&pattern(middle), output).metric, Some(1.3));
    assert_eq!(metric(&pattern(r"^(\d+)$"), "a 1\n2\r\n3\r"), Some(3.0));
    assert_eq!(
        metric(&pattern(r"rated at ([\d.]+/10)"), "rated at 8.52/10 (previous run"),
        Some(8.52)
    );
    let readings = first(&pattern("x (.*)"), "x nan\nx y\nx 1,234.5 ms\nx 7\nMETRIC mem=3\n");
    assert_eq!((readings.metric, readings.saw_non_finite), (Some(1234.5), true));
    assert_eq!(readings.secondary.get("mem"), Some(&3.0));
}

#[test]
fn a_benchmark_counts_with_the_value_that_was_asked_for() {
    let output = "latency: 9 ms\nlatency: 2 ms\nmean latency: 1 ms\nlatency: nan\nlatency: 4 ms";
    let taken = |take: &str, output: &str| {
        read_taking(take.parse().unwrap(), &printed("latency"), output.as_bytes()).metric
    };
    for (take, expected) in
        [("last", 4.0), ("first", 9.0), ("min", 2.0), ("max", 9.0), ("median", 4.0), ("p25", 3.0)]
    {
        assert_eq!(taken(take, output), Some(expected), "{take}");
    }
    // Where it is only ever a part of a name, that is what is read.
    assert_eq!(taken("min", "mean latency: 3\nmean latency: 2\n"), Some(2.0));
}

#[test]
fn what_was_read_so_far_is_known_as_each_line_ends() {
    let mut extractor = Extractor::new(&pattern(r"step (\d+)")).unwrap().taking(Take::Max);
    assert_eq!(extractor.so_far(), None);
    extractor.feed(b"step 7\rstep 3\rstep 1");
    assert_eq!(extractor.so_far(), Some(7.0));
    extractor.feed(b"2\n");
    assert_eq!(extractor.so_far(), Some(12.0));
}

#[test]
fn a_source_that_cannot_work_says_what_to_do() {
    let bad = |source| Extractor::new(&source).unwrap_err().to_string();
    assert!(bad(pattern("loss: (")).contains("no regular expression"));
    assert!(bad(pattern("loss: .*")).contains("put parentheses"));
    assert!(bad(printed(" ")).contains("cannot be searched for"));
    assert!(bad(printed("a\nb")).contains("without line breaks"));
}

/// A long line of `x` with `text` in it at `at`.
fn long_line(at: usize, text: &str) -> Vec<u8> {
    let mut line = vec![b'x'; 200_000];
    line[at..at + text.len()].copy_from_slice(text.as_bytes());
    line
}

/// Every place around the start and the end of the overlap of two pieces.
fn around_a_cut() -> impl Iterator<Item = usize> {
    [PIECE - 2 * MARGIN, PIECE - MARGIN, PIECE].into_iter().flat_map(|cut| cut - 20..cut + 20)
}

#[test]
fn a_value_is_found_anywhere_in_a_long_line() {
    for at in around_a_cut().chain([0, 150_000]) {
        let line = long_line(at, " time: 1.25, y: 2 ");
        assert_eq!(read(&printed("time"), &line).metric, Some(1.25), "at {at}");
        assert_eq!(read(&pattern(r"time: ([0-9.]+)"), &line).metric, Some(1.25), "at {at}");
    }
}

#[test]
fn a_cut_makes_no_name_and_no_number_that_is_not_there() {
    for at in around_a_cut() {
        let line = long_line(at, " best_time: 9 ");
        assert_eq!(read(&printed("time"), &line).metric, None, "at {at}");
        let line = long_line(at, " time: 1.2.3 ");
        assert_eq!(read(&printed("time"), &line).metric, None, "at {at}");
    }
}

#[test]
fn after_a_long_line_the_next_is_read_from_its_start() {
    let mut extractor = Extractor::new(&printed("time")).unwrap();
    extractor.feed(&vec![b'x'; 100_000]);
    extractor.feed(b"\nti");
    extractor.feed(b"me: 1\n");
    assert_eq!(extractor.finish().metric, Some(1.0));
}

#[test]
fn metric_lines_count_wherever_they_are_and_others_at_the_end_only() {
    let mut output = b"METRIC early=1\nlost: 1\nval_bpb: 1 | kept: 1\n".to_vec();
    output.extend(b"chatter without any number\n".repeat(10_000));
    output.extend(b"late: 2\n");
    let names = |source| read(&source, &output).secondary.into_keys().collect::<Vec<_>>();
    assert_eq!(names(printed("val_bpb")), ["early", "kept", "late"]);
    assert_eq!(names(pattern("(x)")), ["early", "late"]);
    let json = Source::Json { name: "val_bpb".into(), file: "m.json".into(), key: "m".into() };
    assert_eq!(names(json), ["early", "late"]);
}

#[test]
fn memory_stays_constant_over_long_output_and_long_lines() {
    for unit in [
        &b"no line break at all, "[..],
        b"step 1 loss 2\n",
        b"step 1 loss 2\r",
        b"\x1b[1mx\x1b]0;y",
    ] {
        let mut extractor = Extractor::new(&printed("val_bpb")).unwrap();
        let chunk = unit.repeat(10_000);
        for _ in 0..100 {
            extractor.feed(&chunk);
        }
        assert!(extractor.pending.capacity() <= 4 * PIECE);
        assert!(extractor.ending.bytes.capacity() <= 16 * SUMMARY);
        extractor.feed(b"\nval_bpb: 1\n");
        assert_eq!(extractor.finish().metric, Some(1.0));
    }
}

/// Pieces of output that meet in ways which text of any bytes seldom has.
fn output() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => proptest::sample::select(vec![
            "time", "time: ", "METRIC ", "METRIC time=", "best ", "a: ", "=", " | ", ", ", "\n", "\r", "\r\n", "\x1b",
            "\x1b[", "\x1b[1m", "\x1b]0;", "\x07", "nan", "-inf", "0.5", "1,234", "%", "\u{2212}", "\u{2502}", "{\"",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        2 => any::<f64>().prop_map(|value| format!("time: {value}").into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
        1 => (0..3 * PIECE, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn any_source() -> impl Strategy<Value = (Source, Take)> {
    let sources = proptest::sample::select(vec![
        printed("time"),
        pattern(r"time\W*(\S+)"),
        pattern(r"^.*?(\d+)$"),
        pattern(r"(\d*)"),
        Source::Json { name: "time".into(), file: "f".into(), key: "k".into() },
    ]);
    let takes = [Take::Last, Take::First, Take::Min, Take::Max, Take::Quantile(100)];
    (sources, proptest::sample::select(takes.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn chunks_make_no_difference(
        (source, take) in any_source(),
        output in output(),
        sizes in proptest::collection::vec(prop_oneof![1..4_usize, 1..200_usize, 1..200_000_usize], 1..10),
    ) {
        let mut extractor = Extractor::new(&source).unwrap().taking(take);
        let mut rest = output.as_slice();
        for size in sizes.iter().cycle() {
            let (chunk, after) = rest.split_at(rest.len().min(*size));
            extractor.feed(chunk);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(extractor.finish(), read_taking(take, &source, &output));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        read(&printed("a"), &bytes);
        super::super::read_json(&String::from_utf8_lossy(&bytes), "a.b", &[]);
    }

    #[test]
    fn a_printed_number_reads_back(value in any::<f64>().prop_filter("finite", |value| value.is_finite())) {
        for text in [
            format!("val_bpb: {value}"),
            format!("val_bpb = {value:e}"),
            format!("METRIC val_bpb={value:?}"),
            format!("| val_bpb | {value:+} |"),
            format!("{{\"val_bpb\": {value:?}, \"lr\": 1}}"),
            format!("step 3 | val_bpb {value} ms | lr 1e-3"),
            format!("val_bpb: {value}%").replace('-', "\u{2212}"),
        ] {
            prop_assert_eq!(metric(&printed("val_bpb"), &text), Some(value), "{}", text);
        }
    }

    #[test]
    fn a_number_with_thousands_separators_reads_back(value in 0..u64::pow(2, 53)) {
        let digits = value.to_string();
        let grouped: String = digits
            .char_indices()
            .flat_map(|(at, digit)| {
                let comma = at > 0 && (digits.len() - at) % 3 == 0;
                comma.then_some(',').into_iter().chain([digit])
            })
            .collect();
        prop_assert_eq!(metric(&printed("n"), &format!("n: {grouped}")), Some(value as f64));
    }
}

/// A constraint asks for it: silence would discard the candidate.
#[test]
fn a_wanted_name_is_found_far_from_the_end_and_among_many() {
    let noise: Vec<_> = (0..20_000).map(|i| format!("name{i}: {i}")).collect();
    let noise = noise.join("\n");
    let output = format!("peak_mem_gb: 43.2\n{noise}\nloss: 1\n");
    let wanted = ["peak_mem_gb".to_owned()];
    let json = Source::Json { name: "loss".into(), file: "m.json".into(), key: "loss".into() };
    for source in [printed("loss"), pattern("loss: (.*)"), json] {
        let mut extractor = Extractor::wanting(&source, &wanted).unwrap();
        extractor.feed(output.as_bytes());
        let found = extractor.finish().secondary;
        assert_eq!(found.get("peak_mem_gb"), Some(&43.2), "{source:?}");
        assert_eq!(read(&source, output.as_bytes()).secondary.get("peak_mem_gb"), None);
    }
}
