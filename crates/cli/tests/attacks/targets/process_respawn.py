# attack: daemons that fork a successor all the time, so as never to be caught
# group: process
# set: run.processes=2000
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

def flee():
    end = time.time() + 60
    while time.time() < end:
        time.sleep(0.002)
        if os.fork():
            os._exit(0)
        os.setsid()


finish()
for _ in range(4):
    daemon(flee)
time.sleep(0.2)
