"""The CDP proxy: a client's WebSocket joined to its session's browser, every call judged on the way."""

from noctule.browser.relay.relay import Patience, Relay, open_relay

__all__ = ["Patience", "Relay", "open_relay"]
