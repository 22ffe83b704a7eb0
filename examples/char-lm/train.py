"""
Trains a small character-level language model in plain Python.

The model is a network of logistic regressions: the next byte is found by a walk
down a Huffman tree, and each turn on the way is decided by a weight for every
context just read, looked up by its hash. A step touches a handful of weights, so
a second is enough to learn something. Usage: python3 train.py
"""

import heapq
import math
import random
import time
from zlib import crc32

from prepare import MAX_CONTEXT, SEED, TRAIN, VOCAB, Clock, evaluate_bpb, windows

# ---------------------------------------------------------------------------
# Hyperparameters
# ---------------------------------------------------------------------------

# Model
MAX_ORDER = 4           # the longest context, in bytes; every shorter one is a feature too
WORD_FEATURES = False   # also look at the word so far, and at it with the word before
# The weights are a hash table of 2**TABLE_BITS: memory and speed bound it.
TABLE_BITS = 16         # search: 10..20

# Optimization
LEARNING_RATE = 0.2     # of the shortest context
ORDER_BOOST = 1.0       # factor on it for every further byte of context
WARMDOWN_RATIO = 0.5    # share of the budget over which the learning rate falls
FINAL_LR_FRAC = 0.5     # to this fraction of it
ADAGRAD_POWER = 0.25    # steps shrink with the squared gradients seen: 0 is SGD, 0.5 is Adagrad
ADAGRAD_EPS = 1.0       # where the sum of squared gradients starts
WEIGHT_DECAY = 0.01     # pull of a weight towards 0 when it is updated

# ---------------------------------------------------------------------------
# Model
# ---------------------------------------------------------------------------

def huffman_paths(text):
    """For every byte of the vocabulary its path of (key of the node, turn)."""
    heap = [(text.count(byte), byte, [byte]) for byte in VOCAB]
    heapq.heapify(heap)
    paths = {byte: [] for byte in VOCAB}
    while len(heap) > 1:
        (n0, _, left), (n1, tie, right) = heapq.heappop(heap), heapq.heappop(heap)
        key = crc32(bytes(left + right)) & (1 << TABLE_BITS) - 1
        for byte in left:
            paths[byte].append((key, 0))
        for byte in right:
            paths[byte].append((key, 1))
        heapq.heappush(heap, (n0 + n1, tie, left + right))
    return paths


class Model:
    def __init__(self):
        size = 1 << TABLE_BITS
        self.paths = huffman_paths(TRAIN)
        self.weights = [0.0] * size
        self.squares = [ADAGRAD_EPS] * size  # Adagrad's sums of squared gradients

    def features(self, text, end):
        """Hashes of the contexts that end at `end`."""
        mask = (1 << TABLE_BITS) - 1
        hashes = [crc32(text[end - order:end]) & mask for order in range(MAX_ORDER + 1)]
        if WORD_FEATURES:
            words = text[end - MAX_CONTEXT:end].replace(b"\n", b" ").rsplit(b" ", 2)
            hashes += [crc32(b"1" + words[-1]) & mask, crc32(b"2" + b" ".join(words[-2:])) & mask]
        return hashes

    def probability(self, context, byte):
        """The probability that `byte` follows `context`."""
        hashes = self.features(context, len(context))
        product = 1.0
        for key, turn in self.paths[byte]:
            z = sum([self.weights[h ^ key] for h in hashes])
            z = max(-15.0, min(15.0, z))
            product /= 1 + math.exp(-z if turn else z)
        return product

    def learn(self, text, start, end, lr):
        """One pass of gradient descent over text[start:end]; returns the loss in bits per byte."""
        weights, squares, exp, log = self.weights, self.squares, math.exp, math.log
        rates = [lr * ORDER_BOOST ** n for n in range(MAX_ORDER + 3)]
        nats = 0.0
        for i in range(start, end):
            hashes = self.features(text, i)
            for key, turn in self.paths[text[i]]:
                slots = [h ^ key for h in hashes]
                z = sum([weights[s] for s in slots])
                z = max(-15.0, min(15.0, z))
                p = 1 / (1 + exp(-z if turn else z))  # of the turn that was taken
                nats -= log(p)
                error = p - 1 if turn else 1 - p
                for s, rate in zip(slots, rates):
                    squares[s] += error * error
                    weights[s] -= rate * (error + WEIGHT_DECAY * weights[s]) / squares[s] ** ADAGRAD_POWER
        return nats / log(2) / (end - start)

# ---------------------------------------------------------------------------
# Training loop
# ---------------------------------------------------------------------------

def lr_multiplier(progress):
    """Constant, then linear down to FINAL_LR_FRAC."""
    if progress < 1 - WARMDOWN_RATIO:
        return 1.0
    left = (1 - progress) / WARMDOWN_RATIO
    return left + (1 - left) * FINAL_LR_FRAC


t_start = time.time()
model = Model()
batches = windows(random.Random(SEED))
clock = Clock()
step = tokens = 0
progress = smooth_loss = 0.0

while progress < 1:
    start, end = next(batches)
    lr = LEARNING_RATE * lr_multiplier(progress)
    loss = model.learn(TRAIN, start, end, lr)
    step += 1
    tokens += end - start
    progress = clock.progress(tokens)
    smooth_loss = 0.95 * smooth_loss + 0.05 * loss
    if step % 50 == 0:
        debiased = smooth_loss / (1 - 0.95 ** step)
        print("\rstep %05d (%.1f%%) | loss: %.4f | lr: %.4f | bytes/sec: %d    "
              % (step, 100 * progress, debiased, lr, tokens / clock.seconds()), end="", flush=True)

training_seconds = clock.seconds()
val_bpb = evaluate_bpb(model.probability)

print()
print("---")
print("val_bpb:          %.6f" % val_bpb)
print("training_seconds: %.1f" % training_seconds)
print("total_seconds:    %.1f" % (time.time() - t_start))
print("num_steps:        %d" % step)
print("total_tokens_K:   %.1f" % (tokens / 1e3))
print("num_params_K:     %.1f" % (len(model.weights) / 1e3))
