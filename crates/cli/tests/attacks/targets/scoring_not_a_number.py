# attack: prints nan
# group: scoring
# sandboxed: detected (not finite)
# restricted: detected (not finite)
# unprotected: detected (not finite)
from prepare import *

print("loss: nan")
