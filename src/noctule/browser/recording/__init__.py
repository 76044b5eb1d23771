"""Films sessions: frames to disk as they come, H.264 while the session runs, one file when it is over."""

from noctule.browser.recording.ffmpeg import CannotEncode, Ffmpeg
from noctule.browser.recording.recordings import Keeper, Recorded, Recordings

__all__ = ["CannotEncode", "Ffmpeg", "Keeper", "Recorded", "Recordings"]
