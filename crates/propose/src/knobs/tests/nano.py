import os
import math
import time
import argparse
from dataclasses import dataclass, asdict, field

import torch
import torch.nn as nn
import torch.nn.functional as F

from prepare import MAX_SEQ_LEN, TIME_BUDGET, Tokenizer


@dataclass
class GPTConfig:
    sequence_len: int = 2048
    vocab_size: int = 32768
    n_layer: int = 12
    n_head: int = 6
    n_kv_head: int = 6
    n_embd: int = 768
    window_pattern: str = "SSSL"
    dropout: float = 0.0
    act: str = "gelu"
    tie: bool = field(default=False)


def norm(x):
    return F.rms_norm(x, (x.size(-1),), eps=1e-6)


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, bias=False)
        self.drop = nn.Dropout(0.1)
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=False)

    def forward(self, x):
        x = self.c_fc(x)
        x = F.relu(x).square()
        return self.c_proj(x)


class GPT(nn.Module):
    def __init__(self, config):
        self.softcap = 15
        self.ln = nn.LayerNorm(config.n_embd)

    def forward(self, idx, softcap=15.0):
        logits = softcap * torch.tanh(logits / softcap)
        return logits


class MuonAdamW(torch.optim.Optimizer):
    def __init__(self, params, lr=0.02, momentum=0.95, ns_steps=5, eps=1e-8):
        pass


# Hyperparameters
ASPECT_RATIO = 64       # model_dim = depth * ASPECT_RATIO
HEAD_DIM = 128
WINDOW_PATTERN = "SSSL"
TOTAL_BATCH_SIZE = 2**19 # ~524K tokens per optimizer step
EMBEDDING_LR = 0.6
UNEMBEDDING_LR = 0.004
MATRIX_LR = 0.04
SCALAR_LR = 0.5
WEIGHT_DECAY = 0.2
ADAM_BETAS = (0.8, 0.95)
WARMUP_RATIO = 0.0
WARMDOWN_RATIO = 0.5
FINAL_LR_FRAC = 0.0
DEPTH = 8
DEVICE_BATCH_SIZE = 128
EVAL_TOKENS = 40 * 524288
H100_BF16_PEAK_FLOPS = 989.5e12
SEED = 1337

t_start = time.time()
torch.manual_seed(42)
smooth_train_loss = 0.0
step = 0
ema_beta = 0.9

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-3, help="x")
parser.add_argument("--optimizer", choices=["adam", "sgd"], default="adam")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--epochs", type=int, default=14)
parser.add_argument("--log-interval", type=int, default=10)

optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
config = {"lr": 1e-3, "hidden": [64, 64], "path": "data/x.bin"}
group = dict(kind="adamw", lr=0.1, betas=(0.8, 0.95), eps=1e-10)

while True:
    step += 1
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    if step > 10:
        time.sleep(0.5)
    smooth_train_loss = ema_beta * smooth_train_loss
