# attack: takes memory in many small processes (to 1.2 GB here)
# group: bomb
# sandboxed: detected (oom)
# restricted: detected (oom)
# unprotected: detected (oom)
from prepare import *

finish()
sys.stdout.flush()
for _ in range(30):
    if os.fork() == 0:
        hoard = b"x" * (40 << 20)
        time.sleep(20)
        os._exit(0)
    time.sleep(0.03)
time.sleep(1)
gained("1.2 GB of memory")
