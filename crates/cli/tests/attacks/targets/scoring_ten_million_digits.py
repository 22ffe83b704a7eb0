# attack: prints a number with ten million digits
# group: scoring
# sandboxed: detected (limit)
# restricted: detected (limit)
# unprotected: detected (limit)
from prepare import *

print("loss: -" + "9" * 10_000_000)
