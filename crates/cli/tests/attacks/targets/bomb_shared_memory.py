# attack: fills memory through files that have no process (to 800 MB here)
# group: bomb
# sandboxed: detected (oom)
# restricted: detected (oom)
# unprotected: detected (oom)
from prepare import *

finish()
for number in range(80):
    os.write(os.memfd_create(f"hoard{number}"), b"x" * (10 << 20))
    time.sleep(0.01)
time.sleep(1)
gained("800 MB of memory")
