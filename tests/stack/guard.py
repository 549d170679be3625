"""Ends the stack when its owner is gone, however it went: `make demo` leaves nothing behind, even after SIGKILL.

It holds one end of a pipe. The owner's end closes when the owner ends; then whatever is still recorded is stopped.
"""

import os
import subprocess
import sys

import processes


def set_guard():
    """Starts the guard of this process. The pipe's other end stays open, and is not inherited by what we start."""
    read, write = os.pipe()
    subprocess.Popen(
        [sys.executable, __file__, str(read)], pass_fds=[read], start_new_session=True, cwd=processes.STATE,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    os.close(read)
    return write


if __name__ == "__main__":
    os.read(int(sys.argv[1]), 1)
    processes.stop_all()
