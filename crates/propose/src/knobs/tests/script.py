"""A script with options, a network of torch and a forest of scikit-learn."""

import argparse
import math

import numpy as np
import torch
from torch import nn, optim
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier

N_TREES = 100
max_depth = 8
step_size = 0.05
momentum, beta2 = 0.9, 0.999
total = 0.0
layer_sizes = [784, 200, 100, 10]
hparams = {
    "lr": 3e-4,  # search: 1e-4..1e-2 log
    "l2": 0.0,
    "chunk": 65_536,
    "warmup_steps": 1 << 10,
    "data_path": "data/train.bin",
}


class Net(nn.Module):
    def __init__(self, hidden=128, dropout=0.1, width=3):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(64, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden, bias=True),
            nn.ReLU(),
        )
        self.conv = nn.Conv1d(1, 8, kernel_size=3, padding=1)
        self.temperature = 1.0

    def forward(self, x):
        return self.layers(x) / self.temperature


def predict(weights, inputs):
    for w, b in weights:
        inputs = np.tanh(inputs @ w + b)
    return inputs


def cell_forward(x):
    return math.tanh(x)


def gate(x, c):
    o = 1 / (1 + math.exp(-x))
    return o * math.tanh(c)


parser = argparse.ArgumentParser(prog="script", description="trains")
parser.add_argument("-b", "--batch-size", type=int, default=64)
parser.add_argument("--weight-decay", type=float, default=0)
parser.add_argument("--clip", type=float, default=1)
parser.add_argument("--solver", default="adam", choices=["adam", "sgd", "lbfgs"])
parser.add_argument("--nesterov", action="store_true", default=False)
parser.add_argument("--out", default="out")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--log-every", type=int, default=10)


def main(args):
    grad_clip = 0.5
    retries = 3
    model = Net(hidden=256)
    optimizer = optim.SGD(model.parameters(), lr=1e-2, momentum=0.9, nesterov=True)
    schedule = optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
    forest = RandomForestClassifier(n_estimators=N_TREES, min_samples_leaf=2, max_features="sqrt", random_state=0)
    mlp = MLPClassifier(hidden_layer_sizes=(100, 50), alpha=1e-4, activation="relu", solver="adam", max_iter=200)
    forest.max_leaf_nodes = 64
    for epoch in range(10):
        total = 0
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        print(f"epoch {epoch}", total, end=" ")


if __name__ == "__main__":
    patience = 5
    bias_init = -0.5
    main(parser.parse_args())
