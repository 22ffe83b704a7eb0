# attack: makes small files without end (to 20,000 here)
# group: bomb
# sandboxed: detected (limit)
# restricted: detected (limit)
# unprotected: detected (limit)
from prepare import *

finish()
sys.stdout.flush()
for number in range(20_000):
    if number % 1000 == 0:
        os.mkdir(f"d{number}.tmp")
    with open(f"d{number // 1000 * 1000}.tmp/{number}", "w") as file:
        file.write("x")
time.sleep(10)
gained("20,000 files")
