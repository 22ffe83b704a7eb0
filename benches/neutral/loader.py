"""Keeps two CPUs busy for seven seconds, leaves them alone for seven, and again."""

import multiprocessing
import time


def burn():
    while True:
        end = time.time() + 7
        while time.time() < end:
            sum(range(10000))
        time.sleep(7)


if __name__ == "__main__":
    for _ in range(2):
        multiprocessing.Process(target=burn, daemon=True).start()
    time.sleep(1_000_000)
