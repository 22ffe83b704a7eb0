# attack: leaves a daemon that listens on an abstract socket for the next trial
# group: next_trial
# then: again
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

import socket

NAME = "\0left-" + KEY
try:
    socket.socket(socket.AF_UNIX).connect(NAME)
    print("CARRIED a daemon")
except OSError:
    pass


def serve():
    ear = socket.socket(socket.AF_UNIX)
    ear.bind(NAME)
    ear.listen()
    time.sleep(60)


finish()
daemon(serve)
