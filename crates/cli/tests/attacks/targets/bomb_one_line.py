# attack: prints one endless line (of 40 MB here)
# group: bomb
# sandboxed: detected (limit)
# restricted: detected (limit)
# unprotected: detected (limit)
from prepare import *

finish()
for _ in range(40):
    sys.stdout.write("x" * (1 << 20))
sys.stdout.flush()
time.sleep(1)
print()
gained("40 MB of output")
