# attack: opens raw, packet and netlink sockets, and looks for an interface
# group: network
# sandboxed: stopped
# restricted: stopped
# unprotected: works (power)
from prepare import *

import socket


def outside():
    names = [name for _, name in socket.if_nameindex() if name != "lo"]
    if names:
        gained(f"interfaces {names}")


finish()
attempt(
    lambda: gained(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)),
    lambda: gained(socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    outside,
)
