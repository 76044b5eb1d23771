"""Named places where a crash test may kill the server.

``NOCTULE_FAILPOINT=name`` (or ``name:n``, the n-th time that it is passed) makes the process send itself
SIGKILL there: the nearest thing to a power cut that a test can have. Unset, a failpoint costs one
comparison.
"""

import os
import signal

_armed, _, _count = os.environ.get("NOCTULE_FAILPOINT", "").partition(":")
_left = int(_count or 1)


def failpoint(name: str) -> None:
    """Die here, if the environment says so."""
    global _left
    if name != _armed:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
