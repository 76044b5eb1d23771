"""A person's hand on a session's page: mouse, wheel, keys, composed and pasted text, in the order in which they
came."""

from noctule.browser.steering.inputs import Compose, Input, Key, Mouse, Text, Wheel
from noctule.browser.steering.steering import OpenTab, Steering, View

__all__ = ["Compose", "Input", "Key", "Mouse", "OpenTab", "Steering", "Text", "View", "Wheel"]
