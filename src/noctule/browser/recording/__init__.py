"""Films sessions: frames to disk as they come, H.264 while the session runs, one file when it is over."""

from noctule.browser.recording.ffmpeg import Ffmpeg, NoEncoder
from noctule.browser.recording.recordings import Keeper, Recordings

__all__ = ["Ffmpeg", "Keeper", "NoEncoder", "Recordings"]
