"""The problems that the embedded proposer is held against.

Five synthetic families of 6 to 8 mixed parameters, of which every seed is an
instance of its own (optimum, default and importance of parameters are drawn),
and the training of a small real network. Higher is better everywhere.
"""

import math

import numpy as np


def number(name, low, high, log=False, integer=False):
    return {"name": name, "kind": "int" if integer else "float", "low": low, "high": high, "log": log}


def choice(name, *options):
    return {"name": name, "kind": "choice", "options": list(options)}


def unit(knob, value):
    """Place of a value on the unit interval; number of an option."""
    if knob["kind"] == "choice":
        return knob["options"].index(value)
    low, high = knob["low"], knob["high"]
    if knob["log"]:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def draw(knob, rng):
    """A value of the knob, evenly over its scale."""
    if knob["kind"] == "choice":
        return knob["options"][rng.integers(len(knob["options"]))]
    low, high = knob["low"], knob["high"]
    u = rng.random()
    value = low * (high / low) ** u if knob["log"] else low + (high - low) * u
    return int(round(value)) if knob["kind"] == "int" else float(value)


# --- five synthetic families: a function of places on the unit interval -----

def separable(rng):
    """Six parameters, each with a ridge of its own; choices add."""
    knobs = [number("lr", 1e-5, 1e-1, log=True), number("decay", 1e-6, 1e-1, log=True), number("drop", 0.0, 0.6),
             number("width", 16, 512, log=True, integer=True), choice("act", "relu", "gelu", "tanh", "silu"),
             choice("norm", True, False)]
    at, weight = rng.uniform(0.2, 0.8, 4), rng.permutation([3.0, 1.5, 0.8, 0.4])
    bonus = [rng.permutation([0.0, 0.2, 0.35, 0.7]), rng.permutation([0.0, 0.3])]

    def value(u):
        numeric = sum(w * (1 - min(abs(x - a) * 2.2, 1.0) ** 1.5) for x, a, w in zip(u, at, weight))
        return numeric + bonus[0][u[4]] + bonus[1][u[5]]
    return knobs, value


def training(rng):
    """Eight: best rate depends on batch and optimizer; too high a rate diverges; width saturates."""
    knobs = [number("lr", 1e-5, 1.0, log=True), number("batch", 8, 512, log=True, integer=True),
             choice("optimizer", "sgd", "adam", "rmsprop"), number("momentum", 0.0, 0.99),
             number("layers", 1, 8, integer=True), number("width", 16, 1024, log=True, integer=True),
             number("decay", 1e-6, 1e-1, log=True), number("warmup", 0, 50, integer=True)]
    best = np.array([0.62, 0.40, 0.45]) + rng.normal(0, 0.05, 3)
    level, slope = rng.permutation([0.0, 0.25, 0.4]), rng.uniform(0.1, 0.35)
    at = rng.uniform(0.25, 0.75, 4)

    def value(u):
        lr, batch, optimizer, momentum, layers, width, decay, warmup = u
        off = lr - (best[optimizer] + slope * (batch - 0.5) - 0.15 * (momentum - 0.5))
        if off > 0.16 + 0.06 * warmup:
            return -4.0 - 20 * (off - 0.16)
        return (-14 * off * off + level[optimizer] + 0.8 * (1 - math.exp(-3.5 * width)) - 1.3 * (layers - at[0]) ** 2
                - 0.8 * (decay - at[1]) ** 2 - 0.35 * (momentum - at[2]) ** 2 - 0.5 * (batch - at[3]) ** 2)
    return knobs, value


def valley(rng):
    """Seven: three rates in a narrow oblique valley, two counts, two switches that interact."""
    knobs = [number(n, 1e-4, 1.0, log=True) for n in ("alpha", "beta", "gamma")]
    knobs += [number("depth", 1, 12, integer=True), number("heads", 1, 16, integer=True),
              choice("schedule", "constant", "cosine", "linear"), choice("tied", True, False)]
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    at, counts = rng.uniform(0.3, 0.7, 3), rng.uniform(0.2, 0.8, 2)
    table = rng.uniform(0, 0.6, (3, 2))

    def value(u):
        across = turn @ (np.array(u[:3]) - at)
        return (-float(across @ (np.array([12.0, 4.0, 0.8]) * across)) - 1.5 * (u[3] - counts[0]) ** 2
                - 0.7 * (u[4] - counts[1]) ** 2 - 0.8 * (u[3] - counts[0]) * (u[0] - at[0]) + table[u[5], u[6]])
    return knobs, value


def hills(rng):
    """Seven: Hartmann's six-dimensional function, shifted, two parameters whole numbers, and a choice."""
    a = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
    p = 1e-4 * np.array([[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                         [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]])
    c = np.array([1.0, 1.2, 3.0, 3.2])
    order, flip = rng.permutation(6), rng.random(6) < 0.5
    bonus = rng.permutation([0.0, 0.2, 0.5])
    knobs = [number(f"rate{i}", 1e-4, 1e-1, log=True) for i in range(2)] + [number(f"share{i}", 0.0, 1.0) for i in range(2)]
    knobs += [number("size", 8, 256, log=True, integer=True), number("count", 1, 24, integer=True),
              choice("kind", "a", "b", "c")]

    def value(u):
        x = np.array(u[:6])
        x = np.where(flip, 1 - x, x)[order]
        return float(c @ np.exp(-(a * (x - p) ** 2).sum(1))) + bonus[u[6]]
    return knobs, value


def sparse(rng):
    """Eight, of which three matter; a cliff behind one of them; ripples."""
    knobs = [number(f"r{i}", 1e-5, 1e-1, log=True) for i in range(3)] + [number(f"f{i}", 0.0, 1.0) for i in range(2)]
    knobs += [number("k", 1, 64, log=True, integer=True), choice("mode", "x", "y", "z", "w"), choice("flag", True, False)]
    first, second = rng.permutation(6)[:2]
    at = rng.uniform(0.25, 0.7, 6)
    bonus = rng.permutation([0.0, 0.2, 0.5, 0.9])
    small = rng.uniform(0, 0.06, 6)

    def value(u):
        x = np.array(u[:6])
        d = x - at
        if d[first] > 0.25:
            return -3.0
        return (-6 * d[first] ** 2 - 3 * abs(d[second]) ** 1.5 - 1.0 * d[first] * d[second] - float(small @ np.abs(d))
                + bonus[u[6]] + 0.05 * math.cos(20 * d[second]) + (0.05 if u[7] else 0.0))
    return knobs, value


FAMILIES = [separable, training, valley, hills, sparse]


class Synthetic:
    """One instance: the default is the best of five random settings (decent), the optimum is searched for."""

    def __init__(self, family, seed, noise):
        rng = np.random.default_rng([seed, FAMILIES.index(family)])
        self.knobs, self._value = family(rng)
        drawn = [{k["name"]: draw(k, rng) for k in self.knobs} for _ in range(1500)]
        values = np.array([self.truth(s) for s in drawn])
        self.default = max(drawn[:5], key=self.truth)
        # Noise is a share of the spread of useful runs, from the median to the best hundredth: what diverged does not count.
        low, high = np.quantile(values, [0.5, 0.99])
        self._noise = noise * (high - low)
        self._rng = np.random.default_rng([seed, 77])
        self.best = self._climb([drawn[i] for i in np.argsort(values)[-8:]], rng)
        self.start = self.truth(self.default)

    def truth(self, settings):
        return self._value([unit(k, settings[k["name"]]) for k in self.knobs])

    def measure(self, settings):
        return self.truth(settings) + self._noise * self._rng.normal()

    def regret(self, settings):
        """0 at the optimum, 1 at the default."""
        return (self.best - self.truth(settings)) / (self.best - self.start)

    def _climb(self, starts, rng):
        best = -math.inf
        for settings in starts:
            here, top = dict(settings), self.truth(settings)
            for step in range(900):
                size = 0.3 * 0.99 ** step + 0.002
                there = dict(here)
                for k in (self.knobs if step % 3 == 0 else [self.knobs[rng.integers(len(self.knobs))]]):
                    if k["kind"] == "choice":
                        if step % 3:
                            there[k["name"]] = draw(k, rng)
                        continue
                    u = min(max(unit(k, here[k["name"]]) + size * rng.normal(), 0.0), 1.0)
                    v = k["low"] * (k["high"] / k["low"]) ** u if k["log"] else k["low"] + (k["high"] - k["low"]) * u
                    there[k["name"]] = min(max(int(round(v)), k["low"]), k["high"]) if k["kind"] == "int" else v
                value = self.truth(there)
                if value > top:
                    here, top = there, value
            best = max(best, top)
        return best


# --- a real network: ten constants of a small perceptron on scikit-learn's digits

class Digits:
    """Stochastic gradient descent in numpy on 1,000 digits; minus the natural log of the validation loss (797 others).

    The default is poor. A seed draws initial weights and the order of batches, anew for each run: that is the noise.
    """

    knobs = [number("learning_rate", 3e-3, 3.0, log=True), number("momentum", 0.0, 0.99), number("decay", 1e-7, 3e-2, log=True),
             number("hidden", 8, 256, log=True, integer=True), number("batch", 8, 128, log=True, integer=True),
             number("epochs", 8, 64, log=True, integer=True), number("init", 0.2, 5.0, log=True), number("drop", 0.0, 0.5),
             number("smoothing", 1e-4, 0.3, log=True), number("final_rate", 0.01, 1.0, log=True)]
    default = {"learning_rate": 0.05, "momentum": 0.6, "decay": 1e-3, "hidden": 24, "batch": 32, "epochs": 16,
               "init": 1.0, "drop": 0.1, "smoothing": 0.1, "final_rate": 0.1}
    _data = None

    def __init__(self, seed):
        self._rng = np.random.default_rng([seed, 5])
        if Digits._data is None:
            from sklearn.datasets import load_digits
            x, y = load_digits(return_X_y=True)
            order = np.random.default_rng(0).permutation(len(y))
            x, y = (x[order] / 16.0).astype(np.float32), y[order]
            Digits._data = x[:1000], y[:1000], x[1000:], y[1000:]

    def measure(self, settings):
        return self._train(settings, self._rng)

    def truth(self, settings, runs=3):
        return float(np.mean([self._train(settings, np.random.default_rng([r, 991])) for r in range(runs)]))

    def _train(self, s, rng):
        x, y, vx, vy = Digits._data
        n, hidden, batch = len(y), int(s["hidden"]), int(s["batch"])
        w1 = (rng.normal(size=(64, hidden)) * s["init"] / 8).astype(np.float32)
        w2 = (rng.normal(size=(hidden, 10)) * s["init"] / math.sqrt(hidden)).astype(np.float32)
        b1, b2 = np.zeros(hidden, np.float32), np.zeros(10, np.float32)
        moving = [np.zeros_like(p) for p in (w1, b1, w2, b2)]
        target = np.full((n, 10), s["smoothing"] / 10, np.float32)
        target[np.arange(n), y] += 1 - s["smoothing"]
        epochs = int(s["epochs"])
        steps, step = epochs * math.ceil(n / batch), 0
        keep = 1 - s["drop"]
        with np.errstate(all="ignore"):
            for _ in range(epochs):
                order = rng.permutation(n)
                for i in range(0, n, batch):
                    rows = order[i:i + batch]
                    rate = s["learning_rate"] * s["final_rate"] ** (step / steps)
                    xb = x[rows]
                    h = xb @ w1 + b1
                    mask = (h > 0) * (rng.random(h.shape, dtype=np.float32) < keep) / np.float32(keep)
                    h *= mask
                    z = h @ w2 + b2
                    z -= z.max(1, keepdims=True)
                    e = np.exp(z)
                    g = (e / e.sum(1, keepdims=True) - target[rows]) / len(rows)
                    gh = (g @ w2.T) * mask
                    for p, d, m in ((w1, xb.T @ gh, moving[0]), (b1, gh.sum(0), moving[1]),
                                    (w2, h.T @ g, moving[2]), (b2, g.sum(0), moving[3])):
                        m *= s["momentum"]
                        m -= rate * (d + s["decay"] * p)
                        p += m
                    step += 1
            h = np.maximum(vx @ w1 + b1, 0)
            z = h @ w2 + b2
            z = z - z.max(1, keepdims=True)
            logp = z - np.log(np.exp(z).sum(1, keepdims=True))
            loss = -float(logp[np.arange(len(vy)), vy].mean())
        if not math.isfinite(loss):
            loss = 30.0
        return -math.log(min(max(loss, 1e-6), 30.0))


class Rbm:
    """`workloads/digits-rbm`: scikit-learn's example of an RBM before a logistic regression, from the default it ships with.

    Its data section runs as it stands; the model is built here with five of its constants, as the script would. The
    metric is the accuracy before the script rounds it to two decimals. Deterministic, hence without noise.
    """

    knobs = [number("tol", 1e-5, 1.0, log=True), number("learning_rate", 1e-3, 1.0, log=True),
             number("n_iter", 2, 30, log=True, integer=True), number("n_components", 20, 200, log=True, integer=True),
             number("C", 0.1, 1e5, log=True)]
    default = {"tol": 1.0, "learning_rate": 0.06, "n_iter": 10, "n_components": 100, "C": 6000.0}

    def __init__(self, script):
        text = open(script).read()
        self._space, self._seen = {}, {}
        exec(text[:text.index("# Models definition")], self._space)

    def measure(self, s):
        key = tuple(s[k["name"]] for k in self.knobs)
        if key not in self._seen:
            self._seen[key] = self._accuracy(s)
        return self._seen[key]

    def _accuracy(self, s):
        import warnings
        from sklearn.linear_model import LogisticRegression
        from sklearn.neural_network import BernoulliRBM
        from sklearn.pipeline import Pipeline
        d = self._space
        rbm = BernoulliRBM(random_state=0, learning_rate=s["learning_rate"], n_iter=int(s["n_iter"]),
                           n_components=int(s["n_components"]))
        model = Pipeline([("rbm", rbm), ("logistic", LogisticRegression(solver="newton-cg", tol=s["tol"], C=s["C"]))])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                model.fit(d["X_train"], d["Y_train"])
                return float((model.predict(d["X_test"]) == d["Y_test"]).mean())
            except (ValueError, FloatingPointError):
                return math.nan
