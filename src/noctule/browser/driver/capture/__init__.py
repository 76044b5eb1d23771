"""What happens in one browser: requests, console, errors, dialogs, downloads, navigations, on one clock."""

from noctule.browser.driver.capture.capture import Capture

__all__ = ["Capture"]
