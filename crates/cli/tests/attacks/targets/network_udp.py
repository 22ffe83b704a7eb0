# attack: sends a datagram, as a question for a name is
# group: network
# sandboxed: stopped
# restricted: stopped
# unprotected: works (contact)
from prepare import *

import socket

QUESTION = b"\0\1\1\0\0\1\0\0\0\0\0\0\6secret\7example\0\0\1\0\1"


def send(kind, address):
    socket.socket(kind, socket.SOCK_DGRAM).sendto(QUESTION, address)


finish()
attempt(lambda: send(socket.AF_INET, ("127.0.0.1", UDP)))
