"""Holds the embedded proposer against Optuna's TPE, all contenders in one run, and prints Markdown tables.

    pip install optuna scikit-learn
    cargo build --release -p autoresearch-core --example ask_tell
    OMP_NUM_THREADS=1 python benches/search/compare.py synthetic digits
    OMP_NUM_THREADS=1 python benches/search/compare.py rbm --seeds 4 --script path/to/digits-rbm/work/train.py

Everyone measures the default first, and what an experiment is worth is its true value, never the measured one. Which
experiment counts is decided by one rule for all contenders, and there are two such rules: "measured" takes the one
that measured best (all that Optuna offers), "believed" the one that our model of the contender's own experiments takes
for the best.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys

import numpy as np

import problems

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / "target/release/examples/ask_tell"


class Embedded:
    """Our proposer behind its pipe."""

    def __init__(self):
        self._process = subprocess.Popen([BINARY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _send(self, message):
        self._process.stdin.write(json.dumps(message) + "\n")

    def _call(self, message):
        self._send(message)
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def begin(self, knobs, seed):
        self._send({"space": {"knobs": knobs, "seed": seed}})

    def tell(self, settings, outcome):
        self._send({"tell": {"settings": settings, "outcome": outcome}})

    def believed_best(self, problem, history):
        """The settings that the embedded model takes for the best of these experiments, whoever made them."""
        self.begin(problem.knobs, 0)
        for settings, outcome in history:
            self.tell(settings, outcome if math.isfinite(outcome) else None)
        return history[self._call({"best": {"first": len(history)}})][0]

    def ask(self, incumbent):
        return self._call({"ask": {"incumbent": incumbent}})


def ours(embedded, problem, budget, seed):
    """Experiments of the embedded proposer; the incumbent is the best measured so far, as in the product."""
    embedded.begin(problem.knobs, seed)
    history, settings = [], dict(problem.default)
    while len(history) < budget:
        outcome = problem.measure(settings)
        history.append((settings, outcome))
        embedded.tell(settings, outcome if math.isfinite(outcome) else None)
        incumbent = max(history, key=lambda h: h[1])[0]
        settings = embedded.ask(incumbent)
        if settings is None:
            break
    return history


def optuna_sampler(name, seed):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return {"tpe": lambda: optuna.samplers.TPESampler(seed=seed),
            "tpe-univariate": lambda: optuna.samplers.TPESampler(seed=seed, multivariate=False),
            "tpe-multivariate": lambda: optuna.samplers.TPESampler(seed=seed, multivariate=True),
            "random": lambda: optuna.samplers.RandomSampler(seed=seed)}[name]()


def optunas(name, problem, budget, seed):
    """Experiments of one of Optuna's samplers, which is given the default first."""
    import optuna
    import warnings
    warnings.simplefilter("ignore")
    study = optuna.create_study(direction="maximize", sampler=optuna_sampler(name, seed))
    study.enqueue_trial(problem.default)
    history = []
    for _ in range(budget):
        trial = study.ask()
        settings = {}
        for k in problem.knobs:
            if k["kind"] == "choice":
                settings[k["name"]] = trial.suggest_categorical(k["name"], k["options"])
            elif k["kind"] == "int":
                settings[k["name"]] = trial.suggest_int(k["name"], k["low"], k["high"], log=k["log"])
            else:
                settings[k["name"]] = trial.suggest_float(k["name"], k["low"], k["high"], log=k["log"])
        outcome = problem.measure(settings)
        history.append((settings, outcome))
        study.tell(trial, outcome)
    return history


def run(name, embedded, problem, budget, seed):
    return ours(embedded, problem, budget, seed) if name == "ours" else optunas(name, problem, budget, seed)


def shown(values):
    """Mean and its standard error."""
    v = np.asarray(values)
    return f"{v.mean():.3f} ± {v.std(ddof=1) / math.sqrt(len(v)):.3f}" if len(v) > 1 else f"{v[0]:.3f}"


def table(title, names, instances, embedded, worth):
    """Prints a table for `instances`, pairs of a maker of problems and a seed; `worth` is lower when better."""
    rules = {"measured": lambda _, history: max(history, key=lambda h: -math.inf if math.isnan(h[1]) else h[1])[0],
             "believed": embedded.believed_best}
    columns = [(rule, k) for rule in rules for k in AT]
    print(f"\n{title}\n")
    print("| proposer | " + " | ".join(f"{rule}, {k}" for rule, k in columns) + " |\n|---" + "|---" * len(columns) + "|")
    scores = {}
    for name in names:
        scores[name] = {column: [] for column in columns}
        for make, seed in instances:
            problem = make()
            history = run(name, embedded, problem, max(AT), seed)
            for rule, k in columns:
                scores[name][rule, k].append(worth(problem, rules[rule](problem, history[:k])))
        print(f"| {name} | " + " | ".join(shown(scores[name][c]) for c in columns) + " |", flush=True)
    for name in names[1:]:
        paired = {c: np.subtract(scores[names[0]][c], scores[name][c]) for c in columns}
        print(f"| *{names[0]} minus {name}* | " + " | ".join(shown(paired[c]) for c in columns) + " |", flush=True)


AT = (25, 50)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("sets", nargs="+", choices=["synthetic", "digits", "rbm"])
    p.add_argument("--seeds", type=int, default=20)
    p.add_argument("--first", type=int, default=0, help="first seed; those from 100 on were used for tuning")
    p.add_argument("--names", default="ours,tpe,tpe-univariate,random")
    p.add_argument("--script", help="train.py of workloads/digits-rbm")
    a = p.parse_args()
    names = a.names.split(",")
    embedded = Embedded()
    seeds = range(a.first, a.first + a.seeds)
    if "synthetic" in a.sets:
        for noise in (0.05, 0.2):
            instances = [(lambda f=f, s=s: problems.Synthetic(f, s, noise), s) for f in problems.FAMILIES for s in seeds]
            table(f"Synthetic, noise {noise}: normalised regret of {len(instances)} runs", names, instances, embedded,
                  lambda problem, settings: problem.regret(settings))
    if "digits" in a.sets:
        instances = [(lambda s=s: problems.Digits(s), s) for s in seeds]
        table(f"Digits network: natural log of validation loss of {len(instances)} runs", names, instances, embedded,
              lambda problem, settings: -problem.truth(settings))
    if "rbm" in a.sets:
        problem = problems.Rbm(a.script)
        table(f"digits-rbm: error rate of {len(seeds)} runs", names, [(lambda: problem, s) for s in seeds], embedded,
              lambda problem, settings: 1 - problem.measure(settings))


if __name__ == "__main__":
    sys.exit(main())
