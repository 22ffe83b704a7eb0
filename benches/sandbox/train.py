"""A small torch training on the CPU, with worker processes that load the data.

Bound by steps, so that the time it takes is what the machine and the sandbox
make of it, and the same seed gives the same loss.
"""

import os
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

WIDTH = 128
BATCH_SIZE = 64
LEARNING_RATE = 1e-3
EPOCHS = 8
WORKERS = 2


def batches(generator):
    teacher = nn.Sequential(nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 10))
    with torch.no_grad():
        inputs = torch.randn(12_000, 32, generator=generator)
        labels = teacher(inputs).argmax(dim=1)
    split = lambda part: TensorDataset(inputs[part], labels[part])
    train = DataLoader(
        split(slice(0, 10_000)), BATCH_SIZE, shuffle=True, num_workers=WORKERS, generator=generator
    )
    return train, DataLoader(split(slice(10_000, None)), 500, num_workers=WORKERS)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(int(os.environ.get("AUTORESEARCH_SEED", "0")))
    train, test = batches(torch.Generator().manual_seed(0))
    model = nn.Sequential(nn.Linear(32, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    began = time.perf_counter()
    for _ in range(EPOCHS):
        for inputs, labels in train:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
    seconds = time.perf_counter() - began
    with torch.no_grad():
        losses = [nn.functional.cross_entropy(model(x), y).item() for x, y in test]
    print("---")
    print(f"val_loss:         {sum(losses) / len(losses):.6f}")
    print(f"training_seconds: {seconds:.3f}")


if __name__ == "__main__":
    main()
