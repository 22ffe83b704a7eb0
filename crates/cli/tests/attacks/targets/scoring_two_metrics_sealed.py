# attack: prints a better metric as well, where a sealed command scores
# group: scoring
# scoring: sealed
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

finish()
print("loss: 0")
