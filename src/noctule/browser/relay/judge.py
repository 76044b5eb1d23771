"""What a session's client may ask of its browser over CDP: one verdict a call.

What must always hold: a client reaches nothing but its own session. No verdict lets it read a file of the
server other than the session's own, leave by another way than the egress proxy, give page script a channel
past this judge, learn the server's paths or command lines, or end the browser that belongs to the session.
Domains and, in ``Browser`` and ``Target``, methods that are not listed are refused, so that a newer browser
does not widen what is allowed. ``Runtime`` cannot be judged; what page script may do is bounded by
Chromium itself (no ``file:`` from any page that a client can open) and by the egress proxy.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from noctule.browser.relay import messages
from noctule.browser.relay.domains import DOMAINS, REFUSED
from noctule.browser.relay.keys import is_harmless
from noctule.browser.relay.targets import Sessions, Standing

JsonObject = dict[str, Any]


@dataclass(slots=True)
class Forward:
    """Send this message to the browser."""

    message: JsonObject


@dataclass(slots=True)
class Refuse:
    """Answer with an error; the browser hears nothing. ``reason`` is for people, ``code`` is CDP's."""

    reason: str
    code: int = -32000

    @property
    def message(self) -> str:
        """The error's text: Noctule's own refusals say so, the browser's words are kept."""
        return f"Refused by Noctule: {self.reason}." if self.code == -32000 else self.reason


@dataclass(slots=True)
class Answer:
    """Answer with this result in the browser's place, and then disconnect the client if ``hang_up``."""

    result: JsonObject
    hang_up: bool = False


Verdict = Forward | Refuse | Answer

# Here ``url`` only picks among what the page has already, and nothing is fetched from it.
_URL_IS_A_KEY: Final = frozenset(
    {
        "DOMDebugger.removeXHRBreakpoint",
        "DOMDebugger.setXHRBreakpoint",
        "Debugger.setBreakpointByUrl",
        "Network.deleteCookies",
        "Network.setCookie",
        "Page.deleteCookie",
        "Page.getResourceContent",
        "Page.searchInResource",
    }
)

# What a page's client needs of targets: its frames of other origins, and its workers.
_OF_A_PAGE: Final = frozenset({"detachFromTarget", "getTargetInfo", "sendMessageToTarget", "setAutoAttach"})

_NESTING_LIMIT: Final = 4
_PLAIN_LIMIT: Final = 256
_NO_SUCH_SESSION: Final = -32001
# What Chromium takes off the ends of an address, and what it takes out of its middle.
_ENDS: Final = "".join(map(chr, range(0x21)))
_MIDDLE: Final = str.maketrans("", "", "\t\n\r")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")


class _Refused(Exception):
    """A rule says no; the text completes "Refused by Noctule: "."""


def check_url(url: object) -> None:
    """Whether a client may open an address; raises ``ValueError`` that says why not.

    ``http``, ``https``, ``data``, ``about:blank`` and blobs of web pages may be opened. ``javascript:`` may
    not: whoever may call ``Page.navigate`` may call ``Runtime.evaluate``, which says what it does.
    """
    if not isinstance(url, str):
        raise ValueError("an address must be a string")
    plain = url.strip(_ENDS).translate(_MIDDLE)
    match = _SCHEME.match(plain)
    if match is None:
        raise ValueError("an address needs a scheme, such as https:")
    scheme, rest = match[1].lower(), plain[match.end() :]
    if scheme in ("http", "https", "data"):
        return
    if scheme == "about" and re.split(r"[?#]", rest, maxsplit=1)[0].lower() == "blank":
        return
    if scheme == "blob" and rest.lower().startswith(("http:", "https:", "null/")):
        return
    raise ValueError(f"only http, https, data, blob and about:blank addresses may be opened, not {scheme[:32]}:")


class Judge:
    """The rules for one client, which may name files below ``files`` and speak on ``sessions`` of web pages.

    ``has_window`` and ``page_is_open`` are the door's. Key strokes are looked at where the browser has shortcuts of its
    own. On a page's endpoint a message without a session speaks to that page, which may have become one of the
    browser's own, and targets that are no part of the page are not offered.
    """

    def __init__(
        self,
        files: Path,
        sessions: Sessions,
        *,
        has_window: bool,
        on_denied_downloads: Callable[[str], None] = lambda _: None,
        page_is_open: Callable[[], bool] | None = None,
    ) -> None:
        self.has_set_downloads = False
        self._page_is_open = page_is_open
        self._files = files
        self._on_denied_downloads = on_denied_downloads
        self._sessions = sessions
        # Methods that were found to have no rule of their own, so that the next call of each is judged sooner.
        self._plain: set[str] = set()
        self._rules: Mapping[str, Callable[[JsonObject], JsonObject]] = {
            "Browser.setDownloadBehavior": self._download_here,
            "Page.setDownloadBehavior": self._download_here,
            "DOM.setFileInputFiles": self._own_files,
            "Input.dispatchDragEvent": self._own_dragged_files,
            **({"Input.dispatchKeyEvent": _harmless_key} if has_window else {}),
            "Target.createBrowserContext": _plain_context,
            "Target.createTarget": _plain_target,
            "Tracing.start": _plain_trace,
        }

    def judge(self, message: object, depth: int = 0) -> Verdict:
        """The verdict on one message, which may be changed on the way and is then not the caller's any more."""
        if not isinstance(message, dict):
            return Refuse("a message must be a JSON object")
        method, session_id, params = message.get("method"), message.get("sessionId"), message.get("params")
        if not isinstance(method, str):
            return Refuse("a message must name its method")
        if self._page_is_open is not None and (refusal := self._beside_the_page(session_id, method)) is not None:
            return refusal
        # Every message passes here, so the usual case costs no call.
        if (
            session_id is not None
            and not (isinstance(session_id, str) and session_id in self._sessions.open)
            and (refusal := self._misdirected(session_id, method)) is not None
        ):
            return refusal
        if method in self._plain and isinstance(params, dict) and "url" not in params:
            return Forward(message)
        domain, _, name = method.partition(".")
        methods = DOMAINS.get(domain, frozenset())
        if method in REFUSED or (methods is not None and name not in methods):
            return Refuse(REFUSED.get(method, f"{_shown(method)} is not offered to the clients of a session"))
        if params is None:
            params = {}
        elif not isinstance(params, dict):
            return Refuse("params must be a JSON object")
        try:
            if method == "Browser.close":
                return Answer({}, hang_up=True)
            if method == "Page.setDownloadBehavior" and params.get("behavior") != "deny":
                # It has no way to name files by their numbers, and they come into the session's folder anyhow.
                return Answer({})
            if method == "Target.sendMessageToTarget":
                message["params"] = self._nested(params, depth)
            elif (rule := self._rules.get(method)) is not None:
                message["params"] = rule(params)
            else:
                if "url" in params and method not in _URL_IS_A_KEY:
                    _check(params["url"])
                if len(self._plain) < _PLAIN_LIMIT:
                    self._plain.add(method)
        except _Refused as refused:
            return Refuse(str(refused))
        return Forward(message)

    def _misdirected(self, session_id: object, method: str) -> Refuse | None:
        standing = self._sessions.standing(session_id)
        if standing is Standing.OPEN:
            return None
        if standing is Standing.UNKNOWN:
            return Refuse("Session with given id not found.", _NO_SUCH_SESSION)
        if method == "Runtime.runIfWaitingForDebugger":
            # Attaching may have stopped the browser's own page; letting it go on tells nothing.
            return None
        return Refuse("the browser's own pages are not offered to the clients of a session")

    def _beside_the_page(self, session_id: object, method: str) -> Refuse | None:
        """Why a message does not belong on a page's endpoint."""
        domain, _, name = method.partition(".")
        if domain == "Target" and name not in _OF_A_PAGE:
            return Refuse("this address opens one page; the session's cdp_url opens its browser")
        is_let_through = self._page_is_open is None or self._page_is_open()
        if session_id is None and not is_let_through and method != "Runtime.runIfWaitingForDebugger":
            return Refuse("the browser's own pages are not offered to the clients of a session")
        return None

    def _download_here(self, params: JsonObject) -> JsonObject:
        """Whatever a client wishes, files come into the session's folder and under their numbers, where those who
        keep them find them; or there are none, if it wants none."""
        changed = {key: value for key, value in params.items() if key != "downloadPath"}
        self.has_set_downloads = True
        if changed.get("behavior") in ("allow", "allowAndName", "default"):
            changed |= {"behavior": "allowAndName", "downloadPath": str(self._files)}
        elif changed.get("behavior") == "deny":
            self._on_denied_downloads(str(changed.get("browserContextId") or ""))
        return changed

    def _own_files(self, params: JsonObject) -> JsonObject:
        return {**params, "files": self._resolved(params.get("files"))}

    def _own_dragged_files(self, params: JsonObject) -> JsonObject:
        data = params.get("data")
        if not isinstance(data, dict) or "files" not in data:
            return params
        return {**params, "data": {**data, "files": self._resolved(data["files"])}}

    def _resolved(self, files: object) -> list[str]:
        """The files without links and dots, so that the browser opens what was looked at here."""
        if not isinstance(files, list):
            raise _Refused("files must be a list of paths")
        root = os.path.realpath(self._files) + os.sep
        resolved = []
        for file in files:
            path = os.path.realpath(file) if isinstance(file, str) and "\0" not in file else ""
            if not path.startswith(root) or not os.path.isfile(path):
                raise _Refused(
                    "a client may name only files of its own session;"
                    " send the content instead (Playwright does by itself) or upload the file first"
                )
            resolved.append(path)
        return resolved

    def _nested(self, params: JsonObject, depth: int) -> JsonObject:
        if (refusal := self._misdirected(params.get("sessionId"), "")) is not None:
            raise _Refused(refusal.reason)
        if params.get("targetId") is not None:
            raise _Refused("a message is sent to a session, not to a target")
        inner = params.get("message")
        if not isinstance(inner, str) or depth >= _NESTING_LIMIT:
            raise _Refused("the message inside is not a string, or nested too deep")
        try:
            verdict = self.judge(messages.parse(inner), depth + 1)
        except messages.NotAMessage:
            raise _Refused("the message inside is not JSON") from None
        if isinstance(verdict, Forward):
            return {**params, "message": messages.dump(verdict.message).decode()}
        raise _Refused(verdict.reason if isinstance(verdict, Refuse) else "this method must not be nested")


def _check(url: object) -> None:
    try:
        check_url(url)
    except ValueError as error:
        raise _Refused(str(error)) from None


def _harmless_key(params: JsonObject) -> JsonObject:
    if not is_harmless(params):
        raise _Refused("this key stroke may be a shortcut of the browser itself, whose pages are not offered")
    return params


def _plain_context(params: JsonObject) -> JsonObject:
    for name in ("proxyServer", "proxyBypassList"):
        if params.get(name) is not None:
            raise _Refused("the session's proxy is chosen when it starts, and holds for all its contexts")
    if params.get("originsWithUniversalNetworkAccess"):
        raise _Refused("no origin is let off the rules between origins")
    return params


def _plain_target(params: JsonObject) -> JsonObject:
    # An empty address is a blank page to the browser.
    if params.get("url") != "":
        _check(params.get("url"))
    return params


def _plain_trace(params: JsonObject) -> JsonObject:
    # Perfetto's own configuration can name an output file; the system's tracer sees other processes.
    if params.get("perfettoConfig") is not None or params.get("tracingBackend") not in (None, "auto", "chrome"):
        raise _Refused("traces are of this browser alone, and are returned, not written to a file")
    return params


def _shown(method: str) -> str:
    return method if len(method) <= 80 and method.isprintable() else "this method"
