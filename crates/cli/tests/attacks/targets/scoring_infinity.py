# attack: prints minus infinity and a number that overflows to it
# group: scoring
# sandboxed: detected (not finite)
# restricted: detected (not finite)
# unprotected: detected (not finite)
from prepare import *

print("loss: -inf")
print("loss: -1e400")
