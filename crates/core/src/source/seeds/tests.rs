use proptest::prelude::*;

use super::*;

/// What a replicate varies and what stays, as written after a shift by 1.
fn varied(path: &str, text: &str) -> String {
    shifted(text, &find(path, text).varied, 1)
}

fn fixed(text: &str) -> usize {
    let seeds = find("a.py", text);
    assert!(seeds.varied.is_empty(), "{text}: {:?}", seeds.varied);
    seeds.fixed.len()
}

#[test]
fn seeds_of_python_are_found_and_shifted() {
    for (text, expected) in [
        ("SEED = 42", "SEED = 43"),
        ("RANDOM_SEED: int = 0x10", "RANDOM_SEED: int = 17"),
        ("def f():\n    rng_seed = 1_000", "def f():\n    rng_seed = 1001"),
        ("self.seed = 1", "self.seed = 2"),
        ("config['seed'] = 1", "config['seed'] = 2"),
        ("config = {'seed': 1, 'lr': 2}", "config = {'seed': 2, 'lr': 2}"),
        ("m = Forest(100, random_state=0)", "m = Forest(100, random_state=1)"),
        ("def main(seed=0, n=3): pass", "def main(seed=1, n=3): pass"),
        ("def main(random_seed: int = 0): pass", "def main(random_seed: int = 1): pass"),
        ("torch.manual_seed(1337)", "torch.manual_seed(1338)"),
        ("torch.manual_seed(1337 + rank)", "torch.manual_seed(1338 + rank)"),
        ("torch.cuda.manual_seed(1)", "torch.cuda.manual_seed(2)"),
        ("torch.cuda.manual_seed_all(1)", "torch.cuda.manual_seed_all(2)"),
        ("np.random.seed(0)", "np.random.seed(1)"),
        ("rng = numpy.random.default_rng(0)", "rng = numpy.random.default_rng(1)"),
        ("def f(rs=npr.RandomState(0)): pass", "def f(rs=npr.RandomState(1)): pass"),
        ("random.seed(0)", "random.seed(1)"),
        ("r = random.Random(0)", "r = random.Random(1)"),
        ("tf.random.set_seed(0)", "tf.random.set_seed(1)"),
        ("tf.keras.utils.set_random_seed(0)", "tf.keras.utils.set_random_seed(1)"),
        ("k = jax.random.PRNGKey(0)", "k = jax.random.PRNGKey(1)"),
        ("k = jax.random.key(0)", "k = jax.random.key(1)"),
        ("rngs = nnx.Rngs(0, params=4)", "rngs = nnx.Rngs(1, params=5)"),
        ("mx.random.seed(0)", "mx.random.seed(1)"),
        ("pl.seed_everything(0, workers=True)", "pl.seed_everything(1, workers=True)"),
        ("set_seed(0)", "set_seed(1)"),
        (
            "p.add_argument('--seed', type=int, default=42)",
            "p.add_argument('--seed', type=int, default=43)",
        ),
        ("seed = args.get('seed', 42)", "seed = args.get('seed', 43)"),
        (
            "class C:\n    seed: int = 1\n    depth: int = 4",
            "class C:\n    seed: int = 2\n    depth: int = 4",
        ),
        ("SEED = 1\r\n# ü\r\nx = f(seed=7)\r\n", "SEED = 2\r\n# ü\r\nx = f(seed=8)\r\n"),
        // It wraps around where generators do.
        ("SEED = 2147483647", "SEED = 0"),
    ] {
        assert_eq!(varied("a.py", text), expected);
    }
}

#[test]
fn what_is_no_seed_is_left_alone() {
    for text in [
        "n_seeds = 5",
        "num_seed = 5",
        "SEEDS = [1, 2]",
        "seed = None",
        "seed = int(os.environ['S'])",
        "# SEED = 42",
        "'''SEED = 42'''",
        "torch.manual_seed(seed)",
        "d.key(0)",
        "x = Random(0.5)",
        "for seed in range(5): pass",
        "LR = 3",
        "seed = 1.5",
        "p.add_argument('--depth', default=42, help='not the --seed')",
        "p.get('depth', 3)",
    ] {
        assert_eq!(find("a.py", text).numbers(), [], "{text}");
    }
}

#[test]
fn seeds_that_decide_what_is_measured_stay() {
    for text in [
        "a, b = train_test_split(X, y, test_size=0.2, random_state=0)",
        "cv = StratifiedKFold(5, shuffle=True, random_state=1)",
        "s = ShuffleSplit(3, random_state=1)",
        "X, y = make_classification(random_state=1)",
        "X, y = make_friedman1(random_state=1)",
        "X = load_thing(seed=1)",
        "X = fetch_openml('x', random_state=1)",
        "a, b = random_split(d, [8, 2], generator=torch.Generator().manual_seed(42))",
        "p = np.random.RandomState(0).permutation(len(x))",
        "d = d.shuffle(seed=1).select(range(100))",
        "d = df.sample(100, random_state=1)",
        "SPLIT_SEED = 1",
        "val_rng = np.random.default_rng(3)",
        "def load_mnist():\n    r = np.random.RandomState(0)",
        "def evaluate(model, seed=0):\n    pass",
        "f(data_random_seed=1)",
    ] {
        assert_eq!(fixed(text), 1, "{text}");
    }
    // A model's own, in the middle of what measures it.
    let text = "s = cross_val_score(Forest(random_state=0), X, cv=KFold(5, random_state=1))";
    assert_eq!(varied("a.py", text), text.replace("random_state=0", "random_state=1"));
    // It trains, too.
    assert_eq!(
        varied("a.py", "def train_and_test():\n    seed = 1"),
        "def train_and_test():\n    seed = 2"
    );
}

/// The commonest script of all has one constant for both.
#[test]
fn a_constant_that_also_splits_the_data_stays_and_its_other_uses_are_varied() {
    let text = "SEED = 42\nnp.random.seed(SEED)\n\
        a, b = train_test_split(X, random_state=SEED)\nm = Forest(random_state=SEED)\n";
    let seeds = find("a.py", text);
    assert_eq!(seeds.fixed.len(), 1);
    assert_eq!(
        shifted(text, &seeds.varied, 3),
        "SEED = 42\nnp.random.seed((SEED + 3))\n\
        a, b = train_test_split(X, random_state=SEED)\nm = Forest(random_state=(SEED + 3))\n"
    );
    let text = "p.add_argument('--seed', default=1)\ntorch.manual_seed(args.seed)\n\
        train(seed=args.seed)\nd = random_split(d, 3, seed=args.seed)\n";
    let varied = varied("a.py", text);
    assert!(varied.contains("manual_seed((args.seed + 1))"), "{varied}");
    // What `train` does with its seed may be to split.
    assert!(varied.contains("train(seed=args.seed)"), "{varied}");
    assert!(varied.contains("default=1"), "{varied}");
}

#[test]
fn seeds_of_other_languages_are_found_by_patterns() {
    for (path, text, expected) in [
        ("a.R", "set.seed(1)  # set.seed(5)", "set.seed(2)  # set.seed(5)"),
        ("a.R", "seed <- 42L", "seed <- 43L"),
        ("a.jl", "Random.seed!(1)", "Random.seed!(2)"),
        ("a.jl", "rng = MersenneTwister(1)", "rng = MersenneTwister(2)"),
        ("a.sh", "SEED=1\n./train --seed 7 --n 3\n", "SEED=2\n./train --seed 8 --n 3\n"),
        ("a.sh", "python t.py --random-seed=1", "python t.py --random-seed=2"),
        ("a.c", "#define SEED 1\nsrand(9);", "#define SEED 2\nsrand(10);"),
        ("a.cpp", "std::mt19937 gen(42);", "std::mt19937 gen(43);"),
        ("a.rs", "const SEED: u64 = 1;", "const SEED: u64 = 2;"),
        ("a.rs", "let r = R::seed_from_u64(1_u64);", "let r = R::seed_from_u64(2_u64);"),
        ("a.go", "rand.Seed(1)\nseed := 3", "rand.Seed(2)\nseed := 4"),
        ("a.java", "Random r = new Random(42);", "Random r = new Random(43);"),
        ("a.yaml", "model:\n  seed: 1\n  depth: 2\n", "model:\n  seed: 2\n  depth: 2\n"),
        ("a.json", "{\"seed\": 1, \"n\": 2}", "{\"seed\": 2, \"n\": 2}"),
    ] {
        assert_eq!(varied(path, text), expected);
    }
    for (path, text) in [
        ("a.rs", "// let seed = 1;"),
        ("a.sh", "seed=1.5"),
        ("a.sh", "seed=0x1f"),
        ("a.sh", "SPLIT_SEED=1"),
        ("a.sh", "seed=$1"),
        ("a.c", "depth = 3; if (seed == 4) {}"),
        ("a.c", "srand(time(0));"),
        ("a.R", "n_seed = 3"),
    ] {
        assert_eq!(varied(path, text), text);
    }
}

#[test]
fn a_text_that_reads_the_variable_is_known() {
    for (path, text, reads) in [
        ("a.py", "s = int(os.environ.get('AUTORESEARCH_SEED', 1))", true),
        ("a.py", "# AUTORESEARCH_SEED", false),
        ("a.py", "'''Takes AUTORESEARCH_SEED one day.'''", false),
        ("a.sh", "./t --seed ${AUTORESEARCH_SEED:-1}", true),
        ("a.sh", "# AUTORESEARCH_SEED", false),
    ] {
        assert_eq!(find(path, text).reads_variable, reads, "{text}");
    }
}

#[test]
fn a_seed_says_where_it_is() {
    let seeds = find("a.py", "import x\n\nSEED = 42\n");
    assert_eq!(seeds.varied[0].place(), "`SEED = 42` in line 3");
}

#[test]
fn a_change_of_nothing_but_seeds_is_told_from_others() {
    let before = "SEED = 1\nLR = 0.1\na = split_data(x, seed=2)\n";
    let only = |after: &str| only_change("a.py", before, after);
    let said = only("SEED = 7  # lucky\nLR = 0.1\na = split_data(x, seed=2)\n").unwrap();
    assert_eq!(said, "`SEED = 1` became `SEED = 7`");
    assert!(only("SEED = 1\nLR = 0.1\na = split_data(x, seed=3)\n").is_some());
    assert_eq!(only("SEED = 7\nLR = 0.2\na = split_data(x, seed=2)\n"), None);
    assert_eq!(only("SEED = 1 # same\nLR = 0.1\na = split_data(x, seed=2)\n"), None);
    assert!(only_change("a.sh", "seed=1\nx=2\n", "seed=2\nx=2\n").is_some());
}

/// Lines of programs, some with seeds.
fn program() -> impl Strategy<Value = String> {
    const LINES: [&str; 12] = [
        "SEED = 42",
        "LR = 0.1",
        "torch.manual_seed(SEED)",
        "np.random.seed(7)",
        "a, b = train_test_split(X, random_state=SEED)",
        "m = Forest(random_state=3, n=5)",
        "def f(seed=1, x=(1, 2)):\n    return seed + 1",
        "rng = np.random.default_rng(1337 + rank)",
        "p.add_argument('--seed', default=0)",
        "# seed = 3",
        "config = {'seed': 5, 'ü': 'seed'}",
        "d = d.shuffle(seed=1).take(9)",
    ];
    prop::collection::vec(prop::sample::select(LINES.to_vec()), 0..12).prop_map(|l| l.join("\n"))
}

proptest! {
    #[test]
    fn only_the_places_of_seeds_change(text in program(), by in any::<u64>()) {
        let seeds = find("a.py", &text).varied;
        prop_assert_eq!(shifted(&text, &seeds, 0), text.as_str());
        let after = shifted(&text, &seeds, by);
        prop_assert_eq!(crate::source::syntax_error("a.py", &after), None);
        // Whatever lies between the seeds lies there still, in order.
        let mut rest = after.as_str();
        let mut done = 0;
        for seed in &seeds {
            let kept = &text[done..seed.range.start];
            let at = rest.find(kept);
            prop_assert!(at.is_some_and(|at| done > 0 || at == 0));
            rest = &rest[at.unwrap_or(0) + kept.len()..];
            done = seed.range.end;
        }
        prop_assert!(rest.ends_with(&text[done..]));
        // A replicate is the same program.
        let no_uses = seeds.iter().all(|seed| seed.value.is_some());
        if no_uses {
            prop_assert_eq!(
                crate::source::normalised("a.py", &text),
                crate::source::normalised("a.py", &after)
            );
        }
    }

    #[test]
    fn shifts_add_up(text in program(), one in 1_u64..1000, other in 1_u64..1000) {
        let shift = |text: &str, by| shifted(text, &find("a.py", text).varied, by);
        if find("a.py", &text).varied.iter().all(|seed| seed.value.is_some()) {
            prop_assert_eq!(shift(&shift(&text, one), other), shift(&text, one + other));
        }
    }

    #[test]
    fn any_text_is_read(text in any::<String>(), by in any::<u64>(), seed in "[sSeEdD_=+( )0-9:.'\\n]{0,60}") {
        for text in [&text, &seed] {
            for path in ["a.py", "a.R", "a"] {
                let seeds = find(path, text);
                let _ = shifted(text, &seeds.varied, by);
                let _ = shifted(text, &seeds.fixed, by);
                let _ = only_change(path, text, &shifted(text, &seeds.varied, by));
            }
        }
    }
}
