# attack: prints 40 MB
# group: proposer
# sandboxed: detected (refused)
# restricted: detected (refused)
# unprotected: detected (refused)
from prepare import *

for _ in range(40):
    sys.stdout.write(("x" * 99 + "\n") * 10_000)
