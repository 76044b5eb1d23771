"""A session's trajectory as Python for the official clients; pure text, no I/O."""

from noctule.scripts.domain.calls import actions_of
from noctule.scripts.domain.script import Wishes, lines_of, script_of

__all__ = ["Wishes", "actions_of", "lines_of", "script_of"]
