# attack: prints a number with a million digits, which is no finite one
# group: scoring
# sandboxed: detected (not finite)
# restricted: detected (not finite)
# unprotected: detected (not finite)
from prepare import *

print("loss: -" + "9" * 1_000_000)
