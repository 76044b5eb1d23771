"""Our isolated world in a document: where our scripts run, unseen by the page's own.

A world shares the document with the page but no object, no global and no patched prototype. It may look into
frames of other origins as long as they live in the same process; those that do not have a world of their own.
It lives as long as its document, and is made again, empty, for the next one.
"""

from typing import Any

from noctule.browser.cdp import CdpConnection, CdpError
from noctule.browser.commands import CommandFailed
from noctule.browser.driver.deadline import Deadline
from noctule.browser.scripts import NAMESPACE, playwright_source, source

_MAX_MESSAGE_CHARACTERS = 1000
_GONE = ("Cannot find context", "context was destroyed", "uniqueContextId not found", "navigated or closed")


class ScriptFailed(CommandFailed):
    """A script of ours, or Playwright's, threw: its message is for people."""


class World:
    """One document's world. ``session_id`` is the target's, ``frame_id`` that of its outermost frame.

    ``asked`` are the browser's numbers of nodes that have been asked about in this document.
    """

    def __init__(self, connection: CdpConnection, session_id: str, frame_id: str) -> None:
        self.session_id = session_id
        self.frame_id = frame_id
        self.asked: set[int] = set()
        self._connection = connection
        self._context: int | None = None
        self._loaded: set[str] = set()

    def forget(self) -> None:
        """The document has been replaced."""
        self._context = None

    async def run(self, scripts: tuple[str, ...], call: str, *arguments: Any, deadline: Deadline) -> Any:
        """Call a function of the namespace, such as ``observe``, once ``scripts`` are there; answers its JSON value.

        Raises ``ScriptFailed`` with the message of what it threw, ``CdpError``.
        """
        answer = await self._call(scripts, call, arguments, deadline, by_value=True)
        return answer.get("value")

    async def handle(self, scripts: tuple[str, ...], call: str, *arguments: Any, deadline: Deadline) -> str | None:
        """Like ``run`` for a function that answers with a DOM node: its object id, ``None`` for none."""
        answer = await self._call(scripts, call, arguments, deadline, by_value=False)
        object_id: str | None = answer.get("objectId")
        return object_id

    async def adopt(self, backend_node_id: int, deadline: Deadline) -> str:
        """The object id, in this world, of a node that the browser names by number.

        Raises ``CdpError`` for one that is gone, or in a frame that this world cannot look into.
        """
        context = await self._ready((), deadline)
        answer = await self.call(
            "DOM.resolveNode", {"backendNodeId": backend_node_id, "executionContextId": context}, deadline
        )
        object_id: str | None = answer["object"].get("objectId")
        if object_id is None:
            raise CdpError(f"node {backend_node_id} is out of reach of its frame's world")
        return object_id

    async def call(self, method: str, params: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        """Call a method of the target that the document lives in; errors as of ``CdpConnection.call``."""
        return await self._connection.call(
            method, params, session_id=self.session_id, timeout_seconds=deadline.left_seconds
        )

    def prepare(self, *scripts: str) -> None:
        """Bring scripts in without waiting, so that the next command finds them there."""
        for name in scripts:
            if self._context is not None and name not in self._loaded:
                self._loaded.add(name)
                params = {"expression": _text(name), "contextId": self._context, "silent": True}
                self._connection.post("Runtime.evaluate", params, session_id=self.session_id)

    # -- inside --------------------------------------------------------------------------------------------

    async def _call(
        self, scripts: tuple[str, ...], call: str, arguments: tuple[Any, ...], deadline: Deadline, *, by_value: bool
    ) -> dict[str, Any]:
        params: dict[str, Any] = {
            "functionDeclaration": f"function(...a) {{ return {NAMESPACE}.{call}(...a) }}",
            "arguments": [a if isinstance(a, ObjectArgument) else {"value": a} for a in arguments],
            "awaitPromise": True,
            "returnByValue": by_value,
            "userGesture": True,
            "silent": True,
        }
        for is_last in (False, True):
            params["executionContextId"] = await self._ready(scripts, deadline)
            try:
                answer = await self.call("Runtime.callFunctionOn", params, deadline)
            except CdpError as error:
                if is_last or "Cannot find context" not in str(error):
                    raise
                self.forget()
                continue
            if "exceptionDetails" in answer:
                raise ScriptFailed("ActionExecutionError", _message(answer["exceptionDetails"]))
            result: dict[str, Any] = answer["result"]
            return result
        raise AssertionError("the loop ends by itself")

    async def _ready(self, scripts: tuple[str, ...], deadline: Deadline) -> int:
        if self._context is None:
            answer = await self.call(
                "Page.createIsolatedWorld",
                {"frameId": self.frame_id, "worldName": NAMESPACE, "grantUniveralAccess": True},
                deadline,
            )
            self._context = int(answer["executionContextId"])
            self._loaded = set()
            self.asked = set()
        self.prepare(*scripts)
        return self._context


class ObjectArgument(dict[str, Any]):
    """An argument that is a node of the world, by its object id."""

    def __init__(self, object_id: str) -> None:
        super().__init__(objectId=object_id)


def is_gone(error: CdpError) -> bool:
    """Whether a call failed because its document was replaced meanwhile."""
    return any(text in str(error) for text in _GONE)


def _text(name: str) -> str:
    return playwright_source() if name == "playwright" else source(name)


def _message(details: dict[str, Any]) -> str:
    thrown = details.get("exception", {})
    text = str(thrown.get("description") or thrown.get("value") or details.get("text", "The script failed"))
    text = text.split("\n    at ", 1)[0].removeprefix("Error: ")
    return text.encode("utf-8", "replace").decode()[:_MAX_MESSAGE_CHARACTERS]
