"""Ends the stack when its owner is gone, however it went: `make demo` leaves nothing behind, even after SIGKILL.

It holds one end of a pipe. When the owner's end closes without a word, the owner has died: whatever is still recorded is stopped.
A word means that the owner has ended the stack itself, or leaves it up on purpose.
"""

import os
import subprocess
import sys

import processes


def set_guard():
    """Starts the guard of this process, and gives back the pipe's other end: it stays open, and is not inherited by what we start."""
    read, write = os.pipe()
    subprocess.Popen(
        [sys.executable, __file__, str(read)], pass_fds=[read], start_new_session=True, cwd=processes.STATE,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    os.close(read)
    return write


def release(write):
    """Sends the guard home: there is nothing left to end, or nothing that may be ended."""
    os.write(write, b".")
    os.close(write)


if __name__ == "__main__":
    if not os.read(int(sys.argv[1]), 1):
        processes.stop_all()
