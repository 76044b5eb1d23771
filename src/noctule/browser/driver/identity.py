"""Who a browser says it is: the user agent, and the client hints that must agree with it.

The headless shell calls itself HeadlessChrome in both. By default a session presents what full Chromium of the
same version would: the reduced user agent (only the major version) and the same brands without that word. A
user agent that a session chose is met by hints of the platform and version that it names, or by none where it
is no Chromium's.
"""

import re
from dataclasses import dataclass
from typing import Any

_CHROME = re.compile(r"\b(?:Headless)?Chrome/(\d+)((?:\.\d+)*)")

# (found in the user agent, platform of the hints, navigator.platform); the first that is found counts.
_PLATFORMS = (
    ("Android", "Android", "Linux armv81"),
    ("Windows", "Windows", "Win32"),
    ("Macintosh", "macOS", "MacIntel"),
    ("CrOS", "Chrome OS", "Linux x86_64"),
    ("Linux", "Linux", "Linux x86_64"),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """A user agent, and the parameters of ``Emulation.setUserAgentOverride`` that present it."""

    user_agent: str
    override: dict[str, Any]


def default_user_agent(product: str) -> str:
    """The user agent of full Chromium on Linux; ``product`` is such as ``HeadlessChrome/156.0.8078.79``."""
    found = _CHROME.search(product)
    major = found[1] if found else "0"
    return f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"


def identity(user_agent: str, product: str) -> Identity:
    """How a browser of the version ``product`` presents this user agent."""
    override: dict[str, Any] = {"userAgent": user_agent}
    platform = next((row for row in _PLATFORMS if row[0] in user_agent), None)
    if platform is not None:
        override["platform"] = platform[2]
    claimed = _CHROME.search(user_agent)
    if claimed is None or platform is None:
        return Identity(user_agent, override)
    real = _CHROME.search(product)
    major = claimed[1]
    full = real[1] + real[2] if real and real[1] == major else major + (claimed[2] or ".0.0.0")
    mobile = "Mobile" in user_agent
    override["userAgentMetadata"] = {
        "brands": _brands(major, "8"),
        "fullVersionList": _brands(full, "8.0.0.0"),
        "fullVersion": full,
        "platform": platform[1],
        "platformVersion": "",
        "architecture": "" if mobile else "x86",
        "bitness": "" if mobile else "64",
        "model": "",
        "mobile": mobile,
        "wow64": False,
    }
    return Identity(user_agent, override)


def _brands(version: str, filler_version: str) -> list[dict[str, str]]:
    return [{"brand": "Not:A-Brand", "version": filler_version}, {"brand": "Chromium", "version": version}]
