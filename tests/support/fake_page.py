"""The page that the fake fleet shows: a few nodes, each of which a command may act on by its id or one selector.

``tests/unit/fleet/test_protocol.py`` holds it and real pages to the same answers. What a test may set: ``nodes``, and
``gone``, the ids of those that the page has dropped since it was observed. A node is found by the selector ``#name``.
"""

import re

from noctule.browser.commands import (
    Acted,
    Acting,
    CommandFailed,
    Downloaded,
    DownloadFile,
    File,
    Fill,
    FormFill,
    Node,
    Observed,
    Place,
    PressKey,
    Scroll,
    TabInfo,
    Target,
)

_VERBS = {
    "Click": "Clicked",
    "Fill": "Filled",
    "Check": "Checked",
    "SelectOption": "Selected",
    "UploadFile": "Uploaded to",
    "DownloadFile": "Downloaded from",
}


class FakePage:
    """What is on the page of one session."""

    def __init__(self) -> None:
        self.nodes: tuple[Node, ...] = ()
        self.gone: set[str] = set()
        self.jpeg: bytes | None = None
        self._seen: dict[str, Node] = {}

    def observe(self, url: str) -> Observed:
        """Everything that is there."""
        nodes = tuple(node for node in self.nodes if node.id not in self.gone)
        self._seen = {node.id: node for node in nodes}
        return Observed(
            url=url,
            title="A page of the fake fleet",
            place=Place(0, 0, 1280, 1080, 1280, 2000),
            tabs=(TabInfo(0, "A page of the fake fleet", url),),
            description="\n".join(node.line for node in nodes),
            nodes=nodes,
            jpeg=self.jpeg,
        )

    def act(self, command: Acting) -> Acted | Downloaded:
        """Carry a command out. Raises ``CommandFailed``."""
        match command:
            case PressKey(key=key):
                return Acted(f"Pressed {key}.")
            case Scroll(amount=amount, up=up):
                return Acted(f"Scrolled {'up' if up else 'down'} by {amount or 756} pixels.")
            case FormFill(values=values):
                return Acted(f"Filled the form: {', '.join(key for key, _ in values)}.")
        node = self._found(command.target)
        is_secret = isinstance(command, Fill) and 'type="password"' in node.line
        acted = Acted(f"{_VERBS[type(command).__name__]} {node.name}.", _selector(node), node.name, is_secret)
        if isinstance(command, DownloadFile):
            return Downloaded(File("report.csv", b"month,minutes"), acted)
        return acted

    def _found(self, target: Target) -> Node:
        if target.selectors:
            for node in self.nodes:
                if _selector(node) in target.selectors and node.id not in self.gone:
                    return node
            raise CommandFailed("InvalidLocatorRuntimeError", f"Nothing was found for selector {target.selectors[0]!r}")
        found = self._seen.get(target.id)
        if found is None:
            raise CommandFailed(
                "InvalidActionError",
                f"Action with id '{target.id}' is invalid: action '{target.id}' not found in page context.",
            )
        if found.id in self.gone:
            raise CommandFailed("InvalidActionError", f"Action with id '{target.id}' is invalid: its element is gone")
        return found


def _selector(node: Node) -> str:
    return "#" + re.sub(r"\W+", "-", node.name.lower())
