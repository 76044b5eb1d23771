"""Pictures and frames for tests of recordings."""

import subprocess
from functools import cache

from noctule.browser.screen import Frame


@cache
def jpeg(colour: str, width: int = 320, height: int = 240) -> bytes:
    """A picture of one colour."""
    made = ["-f", "lavfi", "-i", f"color={colour}:s={width}x{height}", "-frames:v", "1", "-f", "mjpeg", "-"]
    done = subprocess.run(["ffmpeg", "-v", "error", *made], capture_output=True, check=True, timeout=30)
    return done.stdout


def frame(at: float, colour: str, width: int = 320, height: int = 240) -> Frame:
    """A frame that was drawn then."""
    return Frame(jpeg(colour, width, height), at, "tab", width, height, 1.0, 0.0, 0.0, 0.0)
