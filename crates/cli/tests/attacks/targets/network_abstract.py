# attack: connects to an abstract socket, as those of desktops are
# group: network
# sandboxed: stopped
# restricted: stopped
# unprotected: works (contact)
from prepare import *

import socket

finish()
attempt(lambda: socket.socket(socket.AF_UNIX).connect("\0" + ABSTRACT))
