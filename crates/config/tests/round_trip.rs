//! What is written reads back as itself, and no text makes reading panic (SPEC B).

use std::time::Duration;

use autoresearch_config::{
    Bundles, Checks, Config, Confine, EarlyStop, Judge, KEYS, Layers, Memory, Metric, Mode, Model,
    OnBudget, Origin, Propose, Run, Seeds, Stop, Suspects, to_toml, update,
};
use autoresearch_core::agent::{Event, Price, Table, Words};
use autoresearch_core::budget::{Budget, Quota};
use autoresearch_core::constraint::Constraint;
use autoresearch_core::metric::{Direction, Format, Take};
use autoresearch_core::preset::Preset;
use autoresearch_core::proposal::Scope;
use autoresearch_core::units::Bytes;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

/// What has no default, with values that it may have.
const REQUIRED: [(&str, [&str; 3]); 5] = [
    ("target", ["a.py", "b.py", "c d.py"]),
    ("budget", ["1s", "2m", "3h"]),
    ("metric.name", ["x", "y", "z"]),
    ("metric.direction", ["minimize", "maximize", "maximize"]),
    ("run.command", ["a b", "c", "d"]),
];

fn path() -> impl Strategy<Value = String> {
    "[a-zé ,'\"\\[]{0,3}[a-z][a-z0-9._-]{0,6}(/[a-zA-Zä'#]{1,5}){0,2}"
}

fn paths(least: usize) -> impl Strategy<Value = Vec<String>> {
    vec(path(), least..4).prop_map(|mut paths| {
        paths.sort();
        paths.dedup();
        paths
    })
}

/// Text that is not blank, with anything else in it.
fn text() -> impl Strategy<Value = String> {
    "[a-z\"'\\\\#=][^\\x00]{0,8}[a-z\"'\\\\#]"
}

fn words() -> impl Strategy<Value = Vec<String>> {
    (text(), vec("[^\\x00]{0,8}", 0..3)).prop_map(|(program, mut arguments)| {
        arguments.insert(0, program);
        arguments
    })
}

fn time() -> impl Strategy<Value = Duration> {
    (1_u64..30_000_000_000).prop_map(Duration::from_millis)
}

fn take() -> impl Strategy<Value = Take> {
    let words = prop_oneof![Just(Take::Last), Just(Take::First), Just(Take::Min), Just(Take::Max)];
    prop_oneof![words, (1_u16..1000).prop_map(Take::Quantile)]
}

fn budget() -> impl Strategy<Value = Budget> {
    let quota = prop_oneof![
        time().prop_map(Quota::Cpu),
        (1..=i64::MAX.cast_unsigned(), "[a-z\"'# ]{0,4}\\([0-9.]{1,3}\\)")
            .prop_map(|(steps, pattern)| Quota::Steps { steps, pattern }),
    ];
    prop_oneof![
        time().prop_map(Budget::Wall),
        (quota, option::of(time())).prop_map(|(quota, wall)| Budget::Quota { quota, wall }),
    ]
}

prop_compose! {
    fn metric()(
        name in "[a-zé][a-z\"'\\\\# _@]{0,6}[a-z]",
        is_lower: bool,
        pattern in option::of("[a-z\"'# ]{0,4}\\([0-9.]{1,3}\\)"),
        take in take(),
        json in option::of(path()),
        key in option::of(text()),
        command in option::of(words()),
        artifacts in paths(0),
        timeout in time(),
        held_out in paths(0),
        allow_pickle: bool,
        (preset, measure) in (option::of(proptest::sample::select(Preset::ALL)), any::<usize>()),
        report in paths(0),
    ) -> Metric {
        let preset = preset.filter(|preset| preset.needs().is_none());
        let pattern = pattern.filter(|_| preset.is_none());
        let json = json.filter(|_| pattern.is_none() && preset.is_none());
        let command = command.filter(|_| {
            preset.as_ref().is_none_or(|preset| preset.format != Format::Usage)
        });
        let name = preset.as_ref().map_or(name, |preset| {
            let kind = match preset.name {
                "ruff" => "F401",
                "mypy" => "index",
                "clippy" => "dead_code",
                _ => "a",
            };
            preset.measures[measure % preset.measures.len()].name.replace('*', kind)
        });
        // A file cannot say otherwise.
        let known = preset.as_ref().and_then(|preset| preset.measure(&name));
        let known = known.filter(|measure| measure.name != "*").map(|measure| measure.direction);
        let free = if is_lower { Direction::Minimize } else { Direction::Maximize };
        Metric {
            report: if preset.is_some() { report } else { Vec::new() },
            take: if json.is_some() || preset.is_some() { Take::Last } else { take },
            preset: preset.map(|preset| preset.name.to_owned()),
            name,
            direction: known.unwrap_or(free),
            pattern,
            key: key.filter(|_| json.is_some()),
            json,
            held_out: if command.is_some() { held_out } else { Vec::new() },
            allow_pickle: allow_pickle && command.is_some(),
            artifacts: if command.is_some() { artifacts } else { Vec::new() },
            command,
            timeout,
        }
    }
}

prop_compose! {
    fn run()(
        command in words(),
        allowance in time(),
        grace in time(),
        is_last: bool,
        seed in 0..=i64::MAX.cast_unsigned(),
        head: u64,
        tail: u64,
        env in btree_map("[B-Z][A-Z_0-9]{0,5}", "[^\\x00]{0,8}", 0..3),
        (readable, writable) in (vec(text(), 0..3), vec(text(), 0..3)),
        (memory, output, disk) in (option::of(any::<u64>()), any::<u64>(), any::<u64>()),
        processes in 1..=i64::MAX.cast_unsigned(),
        wrap in option::of(words()),
        batch in option::of(text()),
        (network, adjust) in (any::<bool>(), any::<bool>()),
        protection in 0..4_usize,
    ) -> Run {
        Run {
            command,
            allowance,
            grace: if seed % 2 == 0 { Duration::ZERO } else { grace },
            on_budget: if is_last { OnBudget::Last } else { OnBudget::Crash },
            threads: (head % 3 > 0).then_some(head % 3),
            seed,
            seeds: if seed % 3 == 0 { Seeds::Auto } else { Seeds::Environment },
            log_head: Bytes(head),
            log_tail: Bytes(tail),
            env,
            protection: [Confine::Best, Confine::Sandboxed, Confine::Restricted, Confine::Unprotected][protection],
            readable,
            writable,
            network,
            memory: memory.map(Bytes),
            processes,
            output: Bytes(output),
            disk: Bytes(disk),
            wrap,
            batch,
            adjust,
        }
    }
}

fn constraint() -> impl Strategy<Value = Constraint> {
    "[a-z]{1,4}[a-z ]{0,3} (<=|==|!=|>) ([0-9]{1,3}|[a-z]_[a-z]{1,4})"
        .prop_filter_map("no constraint", |text| text.parse().ok())
}

prop_compose! {
    fn agent()(
        command in option::of(vec(prop_oneof![
            text().prop_map(Words::One),
            vec("[^\\x00]{0,6}", 0..3).prop_map(Words::Group),
        ], 0..3)),
        program in text(),
        model in "[a-z0-9/.:-]{0,6}m",
        files in option::of(btree_map("[^\\x00]{1,8}", "[^\\x00]{0,8}", 0..3)),
        dollars in option::of(0.0..1e6),
    ) -> Table {
        Table {
            command: command.map(|mut words| {
                words.insert(0, Words::One(program));
                words
            }),
            model: Some(format!("m{model}")),
            files,
            price: dollars.map(|input| Price { input, cached: None, output: 2.0 }),
            events: dollars.map(|_| vec![Event {
                when: [("type".to_owned(), true.into())].into(),
                input: vec!["a.b".to_owned()],
                total: true,
                ..Event::default()
            }]),
            ..Table::default()
        }
    }
}

prop_compose! {
    fn model()(
        provider in option::of("openai|anthropic|gemini|ollama"),
        (name, base_url, key_env) in (option::of(text()), option::of(text()), option::of(text())),
        format in "auto|blocks|json",
        max_tokens in option::of(1..=u32::MAX),
        (temperature, price_in) in (option::of(0.0..2.0), option::of(0.0..1e6)),
        (price_cached, price_out) in (option::of((0..99_u8).prop_map(f64::from)), option::of(0.0..1e-6)),
    ) -> Model {
        Model {
            provider, name, base_url, key_env, format, max_tokens, temperature, price_in,
            price_cached, price_out,
        }
    }
}

prop_compose! {
    fn config()(
        target in paths(1),
        (read_only, links) in (paths(0), paths(0)),
        (budget, timeout, session) in (budget(), time(), option::of(time())),
        iterations in option::of(1..=i64::MAX.cast_unsigned()),
        scope in 0..4_usize,
        tag in option::of("[a-z0-9][a-z0-9_-]{0,8}"),
        metric in metric(),
        (run, model) in (run(), model()),
        command in option::of(words()),
        when in vec(text(), 0..3),
        constraints in vec(constraint(), 0..3),
        checks in option::of(words()),
        agent in btree_map("[a-z0-9_-]{1,6}", agent(), 0..3),
        search in btree_map("[^\\x00]{1,6}", text(), 0..3),
    ) -> Config {
        Config {
            read_only: read_only.into_iter().map(|path| format!("protected/{path}")).collect(),
            target,
            budget,
            iterations,
            scope: [Scope::Architecture, Scope::Hyperparameters, Scope::Optimizer, Scope::All][scope],
            tag: tag.clone(),
            results: "out/results.tsv".to_owned(),
            links,
            metric,
            run,
            model,
            memory: Memory { enabled: session.is_none(), path: tag.clone() },
            propose: Propose {
                proposer: vec![if command.is_some() { "command" } else { "queue" }.to_owned()],
                command,
                model: tag.clone(),
                timeout,
                patience: 3,
                outage: timeout,
                wait: timeout,
                lookahead: iterations,
                hour: 1.5,
                max_dollars: Some(0.1),
                max_tokens: None,
                max_time: session,
                max_dollars_each: None,
                max_tokens_each: iterations,
                network: session.is_some(),
                readable: vec!["~/.agent".to_owned()],
                brief: Bytes(1 << 20),
                templates: session.map(|_| "prompts".to_owned()),
                bundles: if session.is_some() { Bundles::Refuse } else { Bundles::Allow },
            },
            judge: Judge {
                mode: Mode::Greedy,
                complexity: 2,
                suspects: Suspects::Hold,
                early_stop: EarlyStop::Safe,
                series: None,
                constraints,
                verify: 5,
            },
            checks: Checks { command: checks, timeout },
            stop: Stop { when, time: session },
            agent,
            search,
        }
    }
}

proptest! {
    #[test]
    fn a_written_config_reads_back_as_itself(config in config()) {
        let text = to_toml(&config);
        let mut layers = Layers::new();
        layers.add_file("a.toml", &text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(layers.resolve().unwrap(), config);
    }

    #[test]
    fn a_config_survives_json(config in config()) {
        let text = serde_json::to_string(&config).unwrap();
        prop_assert_eq!(serde_json::from_str::<Config>(&text).unwrap(), config);
    }

    #[test]
    fn no_text_makes_reading_or_rendering_panic(text in "\\PC{0,60}|([a-z_.]{1,9}|[\\[\\]{}=,\"'#é\r\n\t ]|[0-9]){0,40}") {
        let mut layers = Layers::new();
        if let Err(error) = layers.add_file("a.toml", &text) {
            prop_assert!(!error.render(true).is_empty() && !error.to_string().is_empty());
        }
        let _ = update(&text, "budget", "5m");
        let _ = layers.resolve();
    }

    #[test]
    fn no_value_of_any_key_makes_reading_panic(
        key in 0..KEYS.len(),
        value in "[^\\x00]{0,20}|\"[^\"]{0,20}\"|[-0-9.a-z_:]{0,20}|\\[(\"[^\"]{0,9}\",?){0,3}\\]",
    ) {
        let mut layers = Layers::new();
        let name = KEYS[key].name;
        if let Err(error) = layers.add_file("a.toml", &format!("{name} = {value}\r\n")) {
            prop_assert!(!error.render(false).is_empty());
        }
        let _ = layers.set(name, &value, Origin::Asked);
        let _ = layers.set(&format!("{name}.{value}"), &value, Origin::Asked);
        let _ = layers.resolve();
    }

    #[test]
    fn an_updated_file_says_what_it_was_told(config in config(), key in 0..REQUIRED.len(), value in 0..3_usize) {
        let (name, values) = REQUIRED[key];
        let mut config = config;
        // A preset has only the numbers that it has.
        (config.metric.preset, config.metric.report) = (None, Vec::new());
        let text = to_toml(&config);
        let updated = update(&text, name, values[value]).unwrap();
        let mut layers = Layers::new();
        layers.add_file("a.toml", &updated).unwrap();
        let mut told = Layers::new();
        told.add_file("a.toml", &text).unwrap();
        told.set(name, values[value], Origin::Asked).unwrap();
        prop_assert_eq!(layers.resolve().unwrap(), told.resolve().unwrap());
        let comments = |text: &str| {
            let is_ours = |line: &&str| KEYS.iter().any(|key| **line == format!("# {}", key.about));
            text.lines().filter(is_ours).map(str::to_owned).collect::<Vec<_>>()
        };
        prop_assert_eq!(comments(&updated), comments(&text));
    }
}
