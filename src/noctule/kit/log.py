"""Logging: one line a record, ``key=value`` context, and no secret in any of them.

The redacting filter is the last door before a handler: bearer keys, ``noct_`` keys, tokens and
passwords inside URLs are replaced even where a caller forgot.
"""

import logging
import re
import sys

_SECRETS = (
    (re.compile(r"noct_[A-Za-z0-9_\-]{8,}"), "noct_[redacted]"),
    (re.compile(r"(?i)(bearer\s+)[^\s\"']+"), r"\1[redacted]"),
    (re.compile(r"(?i)([?&](?:token|jwt|key|api_key)=)[^&\s\"'#]+"), r"\1[redacted]"),
    (re.compile(r"(?i)(token%3D)[^&\s\"'#%]+"), r"\1[redacted]"),
    (re.compile(r"(/(?:devtools|files)/)[A-Za-z0-9_\-]{20,}"), r"\1[redacted]"),
    (re.compile(r"(\b[a-z][a-z0-9+.\-]*://)[^/\s\"']+@"), r"\1[redacted]@"),
)


def redact(text: str) -> str:
    """The text with everything that looks like a credential replaced."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class _Redactor(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def configure(level: str) -> None:
    """Send every record at ``level`` or above to standard error, redacted."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redactor("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
