# attack: prints without end (to 40 MB here)
# group: bomb
# sandboxed: detected (limit)
# restricted: detected (limit)
# unprotected: detected (limit)
from prepare import *

finish()
for _ in range(40):
    sys.stdout.write(("x" * 99 + "\n") * 10_000)
sys.stdout.flush()
time.sleep(1)
gained("40 MB of output")
