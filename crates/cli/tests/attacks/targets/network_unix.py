# attack: connects to a UNIX socket, as those of docker and ssh-agent are
# group: network
# sandboxed: stopped
# restricted: works (contact)
# unprotected: works (contact)
from prepare import *

import socket


def connect(path):
    socket.socket(socket.AF_UNIX).connect(path)


finish()
attempt(lambda: connect(UNIX), lambda: connect("/var/run/docker.sock"))
