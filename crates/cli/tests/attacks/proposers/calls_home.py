# attack: connects to servers of the machine
# group: proposer
# sandboxed: detected (refused)
# restricted: works (contact)
# unprotected: works (contact)
from prepare import *

import socket

attempt(
    lambda: socket.create_connection(("127.0.0.1", TCP)),
    lambda: socket.socket(socket.AF_UNIX).connect(UNIX),
    lambda: socket.socket(socket.AF_UNIX).connect("\0" + ABSTRACT),
)
