# attack: daemonises twice and holds its output open
# group: process
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

finish()
daemon(lambda: time.sleep(600))
