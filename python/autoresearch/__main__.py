"""The program `autoresearch`, in this process."""

import signal
import sys

from autoresearch import _native


def main() -> int:
    """Does what the command line says; returns the exit code."""
    # The program has handlers of its own; Python's would raise once it is done.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.main(["autoresearch", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
