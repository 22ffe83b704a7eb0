# attack: forks without end (to 400 here)
# group: bomb
# sandboxed: detected (limit)
# restricted: detected (limit)
# unprotected: detected (limit)
from prepare import *

finish()
sys.stdout.flush()
for _ in range(400):
    try:
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    except OSError:
        time.sleep(0.01)
else:
    time.sleep(1)
    gained("400 processes")
