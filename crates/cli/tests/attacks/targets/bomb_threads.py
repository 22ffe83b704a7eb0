# attack: starts threads without end (to 400 here)
# group: bomb
# sandboxed: detected (limit)
# restricted: detected (limit)
# unprotected: detected (limit)
from prepare import *

import threading

finish()
for _ in range(400):
    try:
        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
    except RuntimeError:
        time.sleep(0.01)
time.sleep(1)
if threading.active_count() > 400:
    gained("400 threads")
