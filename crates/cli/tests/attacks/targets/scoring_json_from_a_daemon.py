# attack: overwrites the file with the metric from a daemon after the run has ended
# group: scoring
# set: metric.json=metric.json
# sandboxed: stopped
# restricted: stopped
# unprotected: stopped
from prepare import *

def write(value):
    with open("metric.json", "w") as file:
        json.dump({"loss": value}, file)


def later():
    time.sleep(1)
    write(0)


write(60)
finish()
daemon(later)
