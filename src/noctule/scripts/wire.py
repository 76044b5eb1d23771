"""The answer of the operation that writes code."""

from typing import Any

from noctule.kit.web import WireResponse
from noctule.scripts.service import SessionCode


class AgentFunctionCodeResponse(WireResponse):
    """What was done, as a Python script and as the actions themselves."""

    python_script: str
    json_actions: list[dict[str, Any]]

    @classmethod
    def of(cls, code: SessionCode) -> "AgentFunctionCodeResponse":
        """The answer for a session's code."""
        return cls(python_script=code.python_script, json_actions=code.json_actions)
