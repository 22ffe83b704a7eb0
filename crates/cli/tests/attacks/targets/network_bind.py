# attack: listens on loopback for others to come
# group: network
# sandboxed: stopped
# restricted: stopped
# unprotected: works (power)
from prepare import *

import socket


def listen():
    ear = socket.create_server(("127.0.0.1", 0))
    with open("/proc/1/net/tcp") as others, open("/proc/self/net/tcp") as own:
        port = f":{ear.getsockname()[1]:04X} "
        if LEVEL != "sandboxed" and port in own.read() + others.read():
            gained("a port that everybody sees")


finish()
attempt(listen)
