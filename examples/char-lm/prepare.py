"""
The fixed half of char-lm: the text, the clock and the score.

Read-only for experiments. What a change to train.py is judged by lives here, so
that no change to train.py can move the goalposts.
"""

import math
import os
import time

# ---------------------------------------------------------------------------
# Constants (fixed)
# ---------------------------------------------------------------------------

TIME_BUDGET = float(os.environ.get("AUTORESEARCH_BUDGET_SECONDS", "8"))  # training time in CPU seconds
SEED = int(os.environ.get("AUTORESEARCH_SEED", "1337"))                  # for every random choice

PASSES = 1             # over the training text, at most
WINDOW = 128           # bytes of training text in a step
MAX_CONTEXT = 32       # bytes of history a model may look at
EVAL_BYTES = 20_000    # held-out bytes that are scored
CHECK_EVERY = 500      # so often the evaluation checks that probabilities sum to 1
WALL_FACTOR = 5        # a starved process stops after this many budgets on the wall clock

# ---------------------------------------------------------------------------
# Data
# ---------------------------------------------------------------------------

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus.txt"), "rb") as file:
    CORPUS = file.read()

VOCAB = sorted(set(CORPUS))             # the byte values that occur
TRAIN = CORPUS[: len(CORPUS) * 9 // 10]  # the last tenth, two chapters and a bit, is held out
VAL = CORPUS[len(TRAIN):]


def windows(rng):
    """Yields (start, end) of windows of TRAIN for ever: all of them in random order, then again."""
    starts = list(range(MAX_CONTEXT, len(TRAIN) - WINDOW, WINDOW))
    while True:
        rng.shuffle(starts)
        for start in starts:
            yield start, start + WINDOW


# ---------------------------------------------------------------------------
# Clock
# ---------------------------------------------------------------------------

class Clock:
    """
    How much of the training budget is spent: PASSES over the text or TIME_BUDGET,
    whichever is first. Time is the CPU time of this process, so that a busy
    machine costs patience and not learning; a model that is slow learns from less
    text. Within its time a run depends on nothing but the code and SEED.
    """

    def __init__(self):
        self.cpu = time.process_time()
        self.wall = time.monotonic()

    def seconds(self):
        """Training time so far, in CPU seconds."""
        return time.process_time() - self.cpu

    def progress(self, tokens):
        """Share of the budget spent after `tokens` bytes of training; it ends at 1."""
        wall = (time.monotonic() - self.wall) / WALL_FACTOR
        return max(tokens / (PASSES * len(TRAIN)), self.seconds() / TIME_BUDGET, wall / TIME_BUDGET)


# ---------------------------------------------------------------------------
# Score
# ---------------------------------------------------------------------------

def evaluate_bpb(probability):
    """
    Bits per byte on held-out text, lower is better. `probability(context, byte)`
    is the model's probability that `byte` comes next after the bytes `context`;
    it never sees the text ahead, and its probabilities must sum to 1.
    """
    bits = 0.0
    for i in range(MAX_CONTEXT, MAX_CONTEXT + EVAL_BYTES):
        context = VAL[i - MAX_CONTEXT:i]
        if i % CHECK_EVERY == 0:
            total = math.fsum(probability(context, byte) for byte in VOCAB)
            if not abs(total - 1) < 1e-6:
                raise ValueError("probabilities over the vocabulary sum to %r, not 1" % total)
        bits -= math.log2(probability(context, VAL[i]))
    return bits / EVAL_BYTES
