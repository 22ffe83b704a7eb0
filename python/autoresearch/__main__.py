"""The program `autoresearch`, in this process."""

import os.path
import signal
import sys

from autoresearch import _native


def main() -> int:
    """Does what the command line says; returns the exit code."""
    # The program has handlers of its own; Python's would raise once it is done.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    folder, name = os.path.split(os.path.abspath(sys.argv[0]))
    if not name.startswith("autoresearch"):
        # By `python -m autoresearch`.
        folder, name = os.path.dirname(sys.executable), "autoresearch"
    return _native.main([os.path.join(folder, name), *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
