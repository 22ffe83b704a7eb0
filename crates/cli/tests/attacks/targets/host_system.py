# attack: opens files of the system for writing (and writes nothing)
# group: host
# sandboxed: stopped
# restricted: stopped
# unprotected: works (power)
from prepare import *

def open_for_writing(path):
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))
    gained(f"{path} can be written")


finish()
for path in (
    "/etc/passwd", "/etc/shadow", "/etc/crontab", "/etc/ld.so.cache", "/usr/bin/env",
    "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/dev/mem", "/dev/kmsg", "/dev/sda",
):
    attempt(lambda: open_for_writing(path))
SETTINGS = "/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/sys"
for folder, _, files in (entry for top in SETTINGS for entry in os.walk(top)):
    if LEVEL == "unprotected":
        break  # The list above is enough; some of these act when they are opened.
    for file in files:
        try:
            open_for_writing(f"{folder}/{file}")
        except OSError:
            pass
for folder in ("/etc/cron.d", "/var/spool/cron/crontabs", "/usr/lib/python3/dist-packages"):
    # Made without a name: nothing is left.
    attempt(lambda: gained(f"{folder}: {os.open(folder, os.O_WRONLY | os.O_TMPFILE)}"))
