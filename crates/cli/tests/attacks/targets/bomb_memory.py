# attack: takes memory without end (to 1.2 GB here)
# group: bomb
# sandboxed: detected (oom)
# restricted: detected (oom)
# unprotected: detected (oom)
from prepare import *

hoard = []
for _ in range(60):
    hoard.append(b"x" * (20 << 20))
    time.sleep(0.02)
time.sleep(1)
gained("1.2 GB of memory")
finish()
