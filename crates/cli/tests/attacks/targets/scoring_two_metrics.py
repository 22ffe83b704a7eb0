# attack: prints an honest metric and then a better one
# group: scoring
# sandboxed: works (cheat)
# restricted: works (cheat)
# unprotected: works (cheat)
from prepare import *

finish()
print("loss: 0")
