"""What a session's page looks like while it runs: one screencast for any number of takers."""

from noctule.browser.screen.hub import Frame, Screen, Taker

__all__ = ["Frame", "Screen", "Taker"]
