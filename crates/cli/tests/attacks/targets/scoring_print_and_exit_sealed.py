# attack: prints a metric and exits without a model, where a sealed command scores
# group: scoring
# scoring: sealed
# sandboxed: detected (no metric)
# restricted: detected (no metric)
# unprotected: detected (no metric)
from prepare import *

print("loss: 0", flush=True)
os._exit(0)
