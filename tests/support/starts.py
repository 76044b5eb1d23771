"""Starts as the official clients send them."""

from typing import Any

# What each official client sends for a session with nothing asked for.
SDK_1_8: dict[str, Any] = {
    "headless": True,
    "solve_captchas": False,
    "max_duration_minutes": 15,
    "idle_timeout_minutes": 3,
    "proxies": False,
    "browser_type": "chromium",
    "use_file_storage": True,
    "screenshot_type": "last_action",
    "web_bot_auth": False,
}
SDK_1_10: dict[str, Any] = {}
