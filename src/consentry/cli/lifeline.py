"""A process that must not outlive the one that began it holds a pipe from it."""

import os
import signal
import sys
import threading


def stop_with_parent() -> None:
    """End in order when standard input closes: nothing may outlive the process that began it."""

    def wait() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
