# attack: writes what shells, SSH and desktops read at the next login
# group: host
# sandboxed: stopped
# restricted: stopped
# unprotected: works (host)
from prepare import *

finish()
attempt(
    lambda: plant(USER_HOME + "/.bashrc"),
    lambda: plant(USER_HOME + "/.profile"),
    lambda: plant(USER_HOME + "/.ssh/authorized_keys"),
    lambda: plant(USER_HOME + "/.config/autostart/x.desktop"),
    lambda: plant(USER_HOME + "/.config/systemd/user/x.service"),
)
