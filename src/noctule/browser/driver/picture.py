"""Pictures of the viewport: JPEG of even width and height, which video encoders and the SDK want."""

import base64
import binascii
from typing import Any

from noctule.browser.commands import CommandFailed, Picture, Screenshot
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab

_ATTEMPTS = 4


async def screenshot(tab: Tab, command: Screenshot, *, bring_to_front: bool) -> Picture:
    """Take one. Most viewports are even already, so only an odd picture is taken again, a little smaller.

    Raises ``CommandFailed`` if the page cannot be drawn.
    """
    tab.must_live()
    deadline = Deadline(command.timeout_seconds)
    if bring_to_front:
        await tab.call("Page.bringToFront", timeout_seconds=deadline.left_seconds)
    clip: dict[str, Any] | None = None
    for attempt in range(_ATTEMPTS):
        jpeg = await _capture(tab, command.quality, clip, deadline)
        width, height = size(jpeg)
        if width % 2 == 0 and height % 2 == 0:
            return Picture(jpeg)
        metrics = await tab.call("Page.getLayoutMetrics", timeout_seconds=deadline.left_seconds)
        view = metrics["cssVisualViewport"]
        clip = {
            "x": view["pageX"],
            "y": view["pageY"],
            "width": max(2, int(view["clientWidth"]) - width % 2 - attempt),
            "height": max(2, int(view["clientHeight"]) - height % 2 - attempt),
            "scale": 1,
        }
    raise CommandFailed("ActionExecutionError", "The page could not be drawn at an even size")


async def _capture(tab: Tab, quality: int, clip: dict[str, Any] | None, deadline: Deadline) -> bytes:
    params: dict[str, Any] = {"format": "jpeg", "quality": quality, "optimizeForSpeed": True}
    if clip is not None:
        params["clip"] = clip
    answer = await tab.call("Page.captureScreenshot", params, timeout_seconds=deadline.left_seconds)
    return base64.b64decode(answer["data"])


def size(jpeg: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the frame header (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(jpeg[at + 7 : at + 9], "big"), int.from_bytes(jpeg[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    raise binascii.Error("not a JPEG")
