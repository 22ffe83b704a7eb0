use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const NANO: &str = include_str!("tests/nano.py");
const SCRIPT: &str = include_str!("tests/script.py");

fn none() -> BTreeMap<String, String> {
    BTreeMap::new()
}

fn shown(found: &[Found]) -> String {
    let mut table = String::new();
    let plain = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        other => serde_json::to_string(other).unwrap(),
    };
    for knob in found {
        let log = |log: bool| if log { " log" } else { "" };
        let domain = match &knob.domain {
            Domain::Float { low, high, log: logarithmic } => {
                format!("{low:?}..{high:?}{}", log(*logarithmic))
            }
            Domain::Int { low, high, log: logarithmic, multiple_of } => {
                format!("{low}..{high}{} step {multiple_of}", log(*logarithmic))
            }
            Domain::Choice { options } => options.iter().map(plain).collect::<Vec<_>>().join(", "),
        };
        writeln!(
            table,
            "{} {} = {}: {domain} ({})",
            knob.line,
            knob.name,
            plain(&knob.current),
            knob.category
        )
        .unwrap();
    }
    table
}

fn one(text: &str) -> Option<Found> {
    let mut found = find("a.py", text, &none());
    assert!(found.len() <= 1, "{}", shown(&found));
    found.pop()
}

fn set(text: &str, value: &Value) -> String {
    rewrite(text, &[(&one(text).unwrap(), value)])
}

#[test]
fn the_knobs_of_a_training_script_are_what_a_person_would_tune() {
    insta::assert_snapshot!(shown(&find("nano.py", NANO, &none())), @r#"
    16 GPTConfig.sequence_len = 2048: 256..16384 log step 64 (architecture)
    18 GPTConfig.n_layer = 12: 1..48 step 1 (architecture)
    19 GPTConfig.n_head = 6: 2, 3, 4, 6, 8, 12, 24 (architecture)
    20 GPTConfig.n_kv_head = 6: 2, 3, 4, 6, 8, 12, 24 (architecture)
    21 GPTConfig.n_embd = 768: 192..6144 log step 192 (architecture)
    23 GPTConfig.dropout = 0.0: 0.0..0.7 (training)
    24 GPTConfig.act = gelu: relu, gelu, silu, tanh (architecture)
    25 GPTConfig.tie = false: false, true (architecture)
    61 ASPECT_RATIO = 64: 16..256 log step 8 (other)
    62 HEAD_DIM = 128: 16..1024 log step 16 (architecture)
    64 TOTAL_BATCH_SIZE = 524288: 65536, 131072, 262144, 524288, 1048576, 2097152, 4194304 (training)
    65 EMBEDDING_LR = 0.6: 0.006..6.0 log (optimizer)
    66 UNEMBEDDING_LR = 0.004: 4e-5..0.4 log (optimizer)
    67 MATRIX_LR = 0.04: 0.0004..1.0 log (optimizer)
    68 SCALAR_LR = 0.5: 0.005..5.0 log (optimizer)
    69 WEIGHT_DECAY = 0.2: 0.002..2.0 log (optimizer)
    70 ADAM_BETAS[0] = 0.8: 0.5..0.999 (optimizer)
    70 ADAM_BETAS[1] = 0.95: 0.5..0.999 (optimizer)
    71 WARMUP_RATIO = 0.0: 0.0..0.5 (optimizer)
    72 WARMDOWN_RATIO = 0.5: 0.05..0.95 (optimizer)
    73 FINAL_LR_FRAC = 0.0: 0.0..0.5 (optimizer)
    74 DEPTH = 8: 1..32 step 1 (architecture)
    75 DEVICE_BATCH_SIZE = 128: 16, 32, 64, 128, 256, 512, 1024 (training)
    84 ema_beta = 0.9: 0.5..0.999 (optimizer)
    87 --lr = 0.001: 1e-5..0.1 log (optimizer)
    88 --optimizer = adam: adam, sgd (optimizer)
    90 --batch-size = 64: 8..512 log step 8 (training)
    91 --epochs = 14: 1..56 step 1 (training)
    96 config["lr"] = 0.001: 1e-5..0.1 log (optimizer)
    96 config["hidden"][0] = 64: 8..512 log step 8 (architecture)
    96 config["hidden"][1] = 64: 8..512 log step 8 (architecture)
    29 rms_norm(eps) = 1e-6: 1e-8..0.0001 log (optimizer)
    35 Linear(bias) = false: false, true (architecture)
    36 Dropout(p) = 0.1: 0.0..0.7 (training)
    37 Linear(bias)#2 = false: false, true (architecture)
    94 optimizer(lr) = 0.0003: 3e-6..0.03 log (optimizer)
    94 optimizer(betas[0]) = 0.9: 0.5..0.999 (optimizer)
    94 optimizer(betas[1]) = 0.95: 0.5..0.999 (optimizer)
    94 optimizer(weight_decay) = 0.1: 0.001..1.0 log (optimizer)
    95 StepLR(step_size) = 30: 6..120 log step 2 (optimizer)
    95 StepLR(gamma) = 0.1: 0.05..0.95 (optimizer)
    97 dict(lr) = 0.1: 0.001..1.0 log (optimizer)
    97 dict(betas[0]) = 0.8: 0.5..0.999 (optimizer)
    97 dict(betas[1]) = 0.95: 0.5..0.999 (optimizer)
    97 dict(eps) = 1e-10: 1e-12..1e-8 log (optimizer)
    101 clip_grad_norm_(max_norm) = 1.0: 0.1..10.0 log (optimizer)
    47 GPT.softcap = 15: 1..60 step 1 (other)
    50 forward(softcap) = 15.0: 1.5..150.0 log (other)
    56 MuonAdamW(lr) = 0.02: 0.0002..1.0 log (optimizer)
    56 MuonAdamW(momentum) = 0.95: 0.5..0.999 (optimizer)
    56 MuonAdamW(ns_steps) = 5: 1..20 step 1 (training)
    56 MuonAdamW(eps) = 1e-8: 1e-10..1e-6 log (optimizer)
    "#);
}

#[test]
fn the_knobs_of_a_script_with_options_are_what_a_person_would_tune() {
    insta::assert_snapshot!(shown(&find("script.py", SCRIPT, &none())), @r#"
    19 hparams["lr"] = 0.0003: 0.0001..0.01 log (optimizer)
    12 N_TREES = 100: 10..800 log step 10 (architecture)
    13 max_depth = 8: 1..32 step 1 (architecture)
    14 step_size = 0.05: 0.0005..1.0 log (optimizer)
    15 momentum = 0.9: 0.5..0.999 (optimizer)
    15 beta2 = 0.999: 0.5..0.999 (optimizer)
    17 layer_sizes[1] = 200: 20..1600 log step 10 (architecture)
    17 layer_sizes[2] = 100: 10..800 log step 10 (architecture)
    20 hparams["l2"] = 0.0: 0.0..0.3 (optimizer)
    22 hparams["warmup_steps"] = 1024: 128, 256, 512, 1024, 2048, 4096, 8192 (optimizer)
    60 --batch-size = 64: 8..512 log step 8 (training)
    61 --weight-decay = 0.0: 0.0..0.3 (optimizer)
    62 --clip = 1.0: 0.1..10.0 log (optimizer)
    63 --solver = adam: adam, sgd, lbfgs (optimizer)
    64 --nesterov = false: false, true (optimizer)
    86 patience = 5: 1..20 step 1 (training)
    87 bias_init = -0.5: -2.0..-0.125 (architecture)
    34 Linear(bias) = true: false, true (architecture)
    37 Conv1d(kernel_size) = 3: 1, 3, 5, 7 (architecture)
    73 Net(hidden) = 256: 32..2048 log step 32 (architecture)
    74 optimizer(lr) = 0.01: 0.0001..1.0 log (optimizer)
    74 optimizer(momentum) = 0.9: 0.5..0.999 (optimizer)
    74 optimizer(nesterov) = true: false, true (optimizer)
    75 StepLR(step_size) = 30: 6..120 log step 2 (optimizer)
    75 StepLR(gamma) = 0.1: 0.05..0.95 (optimizer)
    76 RandomForestClassifier(min_samples_leaf) = 2: 1..8 step 1 (training)
    76 RandomForestClassifier(max_features) = sqrt: sqrt, log2 (other)
    77 MLPClassifier(hidden_layer_sizes[0]) = 100: 10..800 log step 10 (architecture)
    77 MLPClassifier(hidden_layer_sizes[1]) = 50: 6..400 log step 2 (architecture)
    77 MLPClassifier(alpha) = 0.0001: 1e-6..0.01 log (optimizer)
    77 MLPClassifier(activation) = relu: identity, logistic, tanh, relu (architecture)
    77 MLPClassifier(solver) = adam: adam, sgd, lbfgs (optimizer)
    77 MLPClassifier(max_iter) = 200: 50..800 log step 10 (training)
    81 clip_grad_norm_(max_norm) = 1.0: 0.1..10.0 log (optimizer)
    28 Net(dropout) = 0.1: 0.0..0.7 (training)
    38 Net.temperature = 1.0: 0.1..10.0 log (other)
    71 main.grad_clip = 0.5: 0.05..5.0 log (optimizer)
    78 forest.max_leaf_nodes = 64: 16..256 log step 8 (training)
    21 hparams["chunk"] = 65536: 16384..262144 log step 64 (other)
    "#);
}

#[test]
fn a_new_value_is_written_as_its_author_would() {
    for (text, value, expected) in [
        ("LR = 1e-3  # rate", Value::Float(0.003_123_4), "LR = 3.12e-3  # rate"),
        ("LR = 1e-3", Value::Float(0.05), "LR = 0.05"),
        ("LR = 0.001", Value::Float(0.003), "LR = 0.003"),
        ("LR = 0.001", Value::Float(2e-5), "LR = 2e-5"),
        ("model.C = 6000", Value::Float(512.3), "model.C = 512"),
        ("tol = 1", Value::Float(1e-3), "tol = 0.001"),
        ("beta2 = 0.95", Value::Float(0.998_765), "beta2 = 0.9988"),
        ("BATCH_SIZE = 65_536", Value::Int(131_072), "BATCH_SIZE = 131_072"),
        ("BATCH_SIZE = 2**16", Value::Int(1 << 18), "BATCH_SIZE = 2**18"),
        ("BATCH_SIZE = 1 << 10", Value::Int(512), "BATCH_SIZE = 1 << 9"),
        ("BATCH_SIZE = 64 * 1024", Value::Int(96 * 1024), "BATCH_SIZE = 96 * 1024"),
        (
            "BATCH_SIZE = 2**16  # search: 1..1_000_000",
            Value::Int(3 << 14),
            "BATCH_SIZE = 3 * 2**14  # search: 1..1_000_000",
        ),
        ("USE_BIAS = False", Value::Bool(true), "USE_BIAS = True"),
        ("activation = 'relu'", Value::Text("gelu".into()), "activation = 'gelu'"),
        ("LR = 1e-3\r\n# end\r\n", Value::Float(0.01), "LR = 0.01\r\n# end\r\n"),
    ] {
        assert_eq!(set(text, &value), expected);
    }
}

#[test]
fn what_is_no_knob_is_left_alone() {
    for text in [
        "SEED = 1337",
        "np.random.seed(42)",
        "SEED = 3  # search: 1..9",
        "m = Forest(random_state=3)  # search: 1..9",
        "config = {'seed': 3}  # search: 1..9",
        "def main(seed=3):  # search: 1..9\n    pass",
        "p.add_argument('--seed', default=3)  # search: 1..9",
        "torch.manual_seed(1337)  # search: 1..9",
        "rng = random.Random(0)",
        "key = jax.random.PRNGKey(0)",
        "model = Model(PRNGKey(0), rngs=nnx.Rngs(0, params=4))",
        "m = Forest(random_state=0)",
        "path = 'data/x'",
        "__version__ = '1.0'",
        "TIME_BUDGET = 300",
        "plt.figure(figsize=(4.2, 4))",
        "print(x, width=80)",
        "x = x.mean(dim=-1, keepdim=True)",
        "X, y = train_test_split(X, test_size=0.2)",
        "VOCAB_SIZE = 50304",
        "assert f(lr=1e-3)",
        "EVAL_BATCH_SIZE = 64",
        "loader = DataLoader(d, num_workers=4)",
        "step = 0\nwhile True:\n    step += 1",
        "lr = 1e-3\nlr = decayed(lr)",
        "x = [[0, 1], [1, 0]]",
        "def width(text, tab_width=4): pass",
        "class Config:\n    depth: int = 4\n\nc = Config(depth=DEPTH)\n",
        "LR = 1e-3  # search: off",
        "NAME = 'adam'",
        "LR = 0x10",
        "CRITICAL = 50\nSEVERE = 40\nINFO = 20",
    ] {
        assert_eq!(one(text), None, "{text}");
    }
    assert_eq!(find("a.rs", "LR = 1e-3", &none()), []);
}

#[test]
fn a_comment_or_an_override_has_the_last_word() {
    let domain = |text: &str| one(text).unwrap().domain;
    assert_eq!(
        domain("x = 3  # search: 1..9"),
        Domain::Int { low: 1, high: 9, log: false, multiple_of: 1 }
    );
    assert_eq!(
        domain("# search: 1e-4..1e-1 log\nSEED = 0.01"),
        Domain::Float { low: 1e-4, high: 0.1, log: true }
    );
    assert_eq!(
        domain("x = 64  # search: 32..256 log step 32"),
        Domain::Int { low: 32, high: 256, log: true, multiple_of: 32 }
    );
    let options = ["a", "b"].map(|option| Value::Text(option.into())).to_vec();
    assert_eq!(domain("x = 'a'  # search: a, 'b'"), Domain::Choice { options });
    // What it holds now is always among what it may hold.
    assert_eq!(
        domain("x = 5.0  # search: 0.1..1"),
        Domain::Float { low: 0.1, high: 5.0, log: false }
    );
    let overrides = BTreeMap::from([
        ("LR".to_owned(), "off".to_owned()),
        ("SIZE".to_owned(), "1, 2".to_owned()),
    ]);
    let found = find("a.py", "LR = 1e-3  # search: 0..1\nSIZE = 1\n", &overrides);
    assert_eq!(shown(&found), "2 SIZE = 1: 1, 2 (architecture)\n");
}

#[test]
fn words_that_are_no_search_range_are_an_error() {
    for words in
        ["", "low..high", "1..", "2..1", "0..1 log", "1..2 often", "3", "a b, c d", "1..1e300"]
    {
        assert!(Spec::parse(words).is_err(), "{words}");
    }
}

#[test]
fn values_that_no_literal_can_hold_change_nothing() {
    let text = "LR = 1e-3";
    for value in [Value::Float(f64::NAN), Value::Float(f64::INFINITY)] {
        assert_eq!(set(text, &value), text);
    }
}

#[test]
fn depth_is_no_danger() {
    for piece in ["(", "[", "-", "1*", "2**", "f(a=", "{'a':", "x = ", "a."] {
        let deep = format!("x = {}1", piece.repeat(20_000));
        let _ = find("a.py", &deep, &none());
        let _ = crate::rewrites::find("a.py", &deep);
    }
}

/// Any value of a domain, and some from outside.
fn pick(domain: &Domain, at: f64, index: Index) -> Value {
    match domain {
        Domain::Float { low, high, log: true } => {
            Value::Float((low.ln() + at * (high.ln() - low.ln())).exp())
        }
        Domain::Float { low, high, .. } => Value::Float(low + at * (high - low)),
        Domain::Int { low, high, multiple_of, .. } => {
            #[expect(clippy::cast_possible_truncation, reason = "a test of small numbers")]
            let steps = (at * ((high - low) / multiple_of) as f64) as i64;
            Value::Int(low + steps * multiple_of)
        }
        Domain::Choice { options } => index.get(options).clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_knob_that_was_set_reads_as_what_it_was_set_to(script in any::<bool>(), which in any::<Index>(), at in 0.0..1.0_f64, index in any::<Index>()) {
        let text = if script { SCRIPT } else { NANO };
        let found = find("a.py", text, &none());
        let knob = which.get(&found);
        let value = pick(&knob.domain, at, index);
        let changed = rewrite(text, &[(knob, &value)]);
        let again = find("a.py", &changed, &none());
        let now = again.iter().find(|other| other.name == knob.name);
        prop_assert_eq!(now.map(|now| now.current.clone()), Some(knob.settled(&value)), "{}", knob.name);
        prop_assert_eq!(&changed[..knob.range.start], &text[..knob.range.start]);
        prop_assert!(changed.ends_with(&text[knob.range.end..]));
        prop_assert_eq!(source::differs_only_in_literals("a.py", text, &changed), Ok(()));
        prop_assert_eq!(again.len(), found.len());
    }

    #[test]
    fn all_knobs_can_be_set_at_once(script in any::<bool>(), at in 0.0..1.0_f64, index in any::<Index>()) {
        let text = if script { SCRIPT } else { NANO };
        let found = find("a.py", text, &none());
        let values: Vec<Value> = found.iter().map(|knob| pick(&knob.domain, at, index)).collect();
        let changed = rewrite(text, &found.iter().zip(&values).collect::<Vec<_>>());
        prop_assert_eq!(source::syntax_error("a.py", &changed), None);
        let again: BTreeMap<String, Value> = find("a.py", &changed, &none()).into_iter().map(|knob| (knob.name, knob.current)).collect();
        for (knob, value) in found.iter().zip(&values) {
            prop_assert_eq!(again.get(&knob.name), Some(&knob.settled(value)), "{}", knob.name);
        }
    }

}

proptest! {
    #[test]
    fn what_stands_there_stays_to_the_last_digit(digits in "[0-9]{1,9}") {
        let text = format!("_ = .{digits}# search: ..\n");
        for knob in find("a.py", &text, &none()) {
            prop_assert_eq!(rewrite(&text, &[(&knob, &knob.current)]), text.as_str());
        }
    }

    #[test]
    fn any_text_is_fine(index in any::<Index>(), text in ".*|([a-zA-Z_]{1,3}( = |=|\\(|, |\\): |\n|: float = )|[0-9.e*-]{1,6}|# search: [0-9.,e]{0,9}\n|'[a-z]?'|[(){}\\[\\]]|nn.ReLU\\(\\)){0,40}") {
        for knob in find("a.py", &text, &none()).iter().chain(&crate::rewrites::find("a.py", &text)) {
            let value = pick(&knob.domain, 0.7, index);
            let _ = rewrite(&text, &[(knob, &value)]);
            prop_assert_eq!(rewrite(&text, &[(knob, &knob.current)]), text.as_str());
        }
        let _ = Spec::parse(&text);
    }

    #[test]
    fn any_spec_is_fine(spec in "[-0-9.e_*]{0,6}(\\.\\.[-0-9.e_*]{0,6}( log| step [0-9]{0,4})?|, [a-z0-9']{0,4})?", text in prop::sample::select(vec!["x = 5", "x = 0.5", "x = 'a'", "x = True", "x = -3"])) {
        if let Ok(spec) = Spec::parse(&spec) {
            let current = Value::Int(5);
            if let Some(Domain::Int { low, high, multiple_of, .. }) = spec.domain(&current) {
                prop_assert!(low <= high && multiple_of >= 1 && low % multiple_of == 0 && high % multiple_of == 0);
            }
        }
        let _ = find("a.py", &format!("{text}  # search: {spec}"), &none());
    }
}
