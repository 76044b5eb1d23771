"""Drives one browser over our own DevTools connection: its tabs, and the commands of ``browser/commands.py``."""

from noctule.browser.driver.driver import Driver
from noctule.browser.driver.navigation import Refusals

__all__ = ["Driver", "Refusals"]
