//! What reading the metric costs a run that prints much: 1 GiB of each kind of
//! output, beside a bare count of its lines.

#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use autoresearch_core::metric::{Extractor, Source};

const TOTAL: usize = 1 << 30;
/// What a pipe gives at once.
const CHUNK: usize = 64 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let printed = Source::Printed { name: "val_bpb".into() };
    let pattern =
        Source::Pattern { name: "time".into(), pattern: r"time:\s+\[\S+ \S+ (\S+)".into() };
    let steps = "step 00952 (99.9%) | loss: 2.9123 | lrm: 0.00 | dt: 300ms | tok/sec: 1,234\r";
    let chatter = "INFO 2024-05-01 10:30:00 worker 3: loaded shard 17 of 240 from cache\n";
    let coloured = "\x1b[32mINFO\x1b[0m \x1b[1mworker\x1b[0m loaded shard 17 of 240 from cache\n";
    let with_name = "step 00952 | val_bpb: 0.9979 | lr 1e-3 | dt: 300ms\n";
    let pairs = "{\"val_bpb\":0.9979,\"lr\":1e-3},";
    let unbroken = "progress without a line break, ";
    let unlike_text = "METRI val_bp \u{1b}[K\n";
    println!("{:<28} {:>10} {:>22}", "output", "MB/s", "time of counting lines");
    for (label, source, line) in [
        ("steps", &printed, steps),
        ("chatter", &printed, chatter),
        ("coloured", &printed, coloured),
        ("the name in every line", &printed, with_name),
        ("the name all over one line", &printed, pairs),
        ("one line", &printed, unbroken),
        ("near misses and escapes", &printed, unlike_text),
        ("steps, by pattern", &pattern, steps),
        ("chatter, by pattern", &pattern, chatter),
    ] {
        let chunk: Vec<u8> = line.bytes().cycle().take(CHUNK).collect();
        let mut extractor = Extractor::new(source)?;
        let reading = timed(|| {
            (0..TOTAL / CHUNK).for_each(|_| extractor.feed(black_box(&chunk)));
        });
        black_box(extractor.finish());
        let counting = timed(|| {
            for _ in 0..TOTAL / CHUNK {
                black_box(memchr::memchr2_iter(b'\n', b'\r', black_box(&chunk)).count());
            }
        });
        let speed = TOTAL as f64 / 1e6 / reading.as_secs_f64();
        let ratio = reading.as_secs_f64() / counting.as_secs_f64();
        println!("{label:<28} {speed:>10.0} {ratio:>21.1}x");
    }
    Ok(())
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
