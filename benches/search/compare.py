"""Holds the embedded proposer against Optuna's TPE, one run, one table for each set of problems.

    pip install optuna scikit-learn
    cargo build --release -p autoresearch-core --example ask_tell
    OMP_NUM_THREADS=1 python benches/search/compare.py [--sets synthetic,digits,rbm] [--seeds 20]
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import time

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


def mean(values):
    v = np.asarray(values)
    return f"{v.mean():.3f} ± {v.std(ddof=1) / math.sqrt(len(v)):.3f}" if len(v) > 1 else f"{v[0]:.3f}"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--sets", default="synthetic,digits")
    p.add_argument("--seeds", type=int, default=20)
    p.add_argument("--first", type=int, default=0)
    p.add_argument("--names", default="ours,tpe,tpe-univariate,random")
    p.add_argument("--at", default="25,50")
    p.add_argument("--families", default="")
    a = p.parse_args()
    at = [int(v) for v in a.at.split(",")]
    names = a.names.split(",")
    embedded = Embedded()
    seeds = range(a.first, a.first + a.seeds)
    if "synthetic" in a.sets:
        for noise in (0.05, 0.2):
            print(f"\nnoise {noise}")
            for name in names:
                rows, start = {k: [] for k in at}, time.time()
                per = []
                for family in problems.FAMILIES:
                    if a.families and family.__name__ not in a.families: continue
                    got = {k: [] for k in at}
                    for seed in seeds:
                        problem = problems.Synthetic(family, seed, noise)
                        history = run(name, embedded, problem, max(at), seed)
                        for k in at:
                            got[k].append(problem.regret(max(history[:k], key=lambda h: h[1])[0]))
                            rows[k].append(got[k][-1])
                    per.append(family.__name__[:5] + " " + "/".join(f"{np.mean(got[k]):.2f}" for k in at))
                print(f"{name:16}", "  ".join(mean(rows[k]) for k in at), " | ", "  ".join(per), f" {time.time() - start:.0f}s", flush=True)
    if "digits" in a.sets:
        print("\ndigits")
        for name in names:
            rows, start = {k: [] for k in at}, time.time()
            for seed in seeds:
                problem = problems.Digits(seed)
                history = run(name, embedded, problem, max(at), seed)
                for k in at:
                    rows[k].append(-problem.truth(max(history[:k], key=lambda h: h[1])[0]))
            print(f"{name:16}", "  ".join(mean(rows[k]) for k in at), f" {time.time() - start:.0f}s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
