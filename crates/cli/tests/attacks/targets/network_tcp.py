# attack: connects to a server on loopback, by both versions
# group: network
# sandboxed: stopped
# restricted: stopped
# unprotected: works (contact)
from prepare import *

import socket


def connect(family, address):
    socket.socket(family).connect(address)


finish()
attempt(
    lambda: connect(socket.AF_INET, ("127.0.0.1", TCP)),
    lambda: connect(socket.AF_INET, ("0.0.0.0", TCP)),
    lambda: connect(socket.AF_INET6, ("::1", TCP6)),
    lambda: connect(socket.AF_INET6, ("::ffff:127.0.0.1", TCP)),
)
