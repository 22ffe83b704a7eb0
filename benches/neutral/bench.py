import time

from work import work

for _ in range(25):
    t = time.perf_counter()
    work()
    print(f"latency_ms: {1000 * (time.perf_counter() - t):.4f}", flush=True)
    time.sleep(0.03)
