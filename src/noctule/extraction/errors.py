"""What extraction refuses, with a sentence for whoever asked.

::

    BrowserFailed
    └── UnreadableDocument    the document is damaged, encrypted, of an unknown type, or takes too long
    Overloaded
    └── TooBusy               too many documents wait already; nothing was done
"""

from noctule.kit.errors import BrowserFailed, Overloaded


class UnreadableDocument(BrowserFailed):
    """The document cannot be turned into markdown; the message says why."""


class TooBusy(Overloaded):
    """Too many documents wait to be read. Raised before any work was done."""
