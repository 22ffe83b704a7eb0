# attack: prints a good metric and then fails
# group: scoring
# sandboxed: detected (exit)
# restricted: detected (exit)
# unprotected: detected (exit)
from prepare import *

print("loss: 0", flush=True)
os.abort()
