"""HAR 1.2 of a session's exchanges, piece by piece.

The format is the HTTP Archive 1.2 (http://www.softwareishard.com/blog/har-12-spec/); what it has no place for is in
fields that begin with ``_``, under the names that Chromium's DevTools give and read where they have one
(``_resourceType``, ``_initiator``, ``_webSocketMessages``, ``_transferSize``).

What must always hold: every field that the format demands is there; a size that is not known is -1, as it says.
"""

from collections.abc import Iterable
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

from noctule import __version__

_MAX_PAGES = 10_000
_STATUS_WITHOUT_ANSWER = 0
_URI = "%/:?#@!$&'()*+,;=~-._"
_SAME_SITE = {"strict": "Strict", "lax": "Lax", "none": "None"}


class Har:
    """One archive in the making: ``head``, then entries and notes, then ``tail``."""

    def __init__(self) -> None:
        self._pages: dict[str, dict[str, Any]] = {}
        self._is_first = True

    def head(self) -> bytes:
        """The beginning, up to the entries."""
        creator = msgspec.json.encode({"name": "Noctule", "version": __version__}).decode()
        return f'{{"log":{{"version":"1.2","creator":{creator},"entries":['.encode()

    def note(self, kind: str, data: dict[str, Any]) -> None:
        """A navigation, or that its page has loaded."""
        loader = data.get("loader") or ""
        if kind == "navigation" and data.get("navigation") == "new_document":
            if (page := self._page(loader)) is not None:
                page["title"] = data.get("url", "")
        elif kind == "load" and (page := self._page(loader)) is not None:
            page["content_loaded_at"], page["loaded_at"] = data.get("content_loaded_at"), data.get("loaded_at")

    def entry(self, data: dict[str, Any]) -> bytes:
        """One exchange."""
        shown = self._entry(data)
        separator, self._is_first = b"" if self._is_first else b",", False
        return separator + msgspec.json.encode(shown)

    def tail(self) -> bytes:
        """The pages, and the end."""
        pages = [_page(loader, page) for loader, page in self._pages.items() if page.get("began")]
        return b'],"pages":' + msgspec.json.encode(pages) + b"}}\n"

    # -- inside --------------------------------------------------------------------------------------------

    def _page(self, loader: str) -> dict[str, Any] | None:
        if not loader or (loader not in self._pages and len(self._pages) >= _MAX_PAGES):
            return None
        return self._pages.setdefault(loader, {})

    def _entry(self, data: dict[str, Any]) -> dict[str, Any]:
        page = self._page(data.get("loader", ""))
        if page is not None and not page.get("began"):
            page["began"] = data["started_at"]
            page.setdefault("title", data["url"])
        timings = data["timings"]
        shown: dict[str, Any] = {
            "startedDateTime": data["started_at"],
            "time": round(sum(value for name, value in timings.items() if value > 0 and name != "ssl"), 3),
            "request": _request(data),
            "response": _response(data),
            "cache": {},
            "timings": timings,
            "_resourceType": data["type"],
            "_initiator": _initiator(data["initiator"]),
            "_priority": None,
            "_requestId": data["id"],
            "_target": data["target"],
        }
        if page is not None:
            shown["pageref"] = f"page_{data['loader']}"
        response = data.get("response")
        if response is not None:
            if response["remote_address"]:
                shown["serverIPAddress"] = response["remote_address"].strip("[]")
            if response["connection"]:
                shown["connection"] = str(response["connection"])
            if response["from"] in ("memory_cache", "disk_cache", "prefetch_cache"):
                shown["_fromCache"] = response["from"].removesuffix("_cache")
            elif response["from"] == "service_worker":
                shown["_fetchedViaServiceWorker"] = True
        if (socket := data.get("websocket")) is not None:
            shown["_webSocketMessages"] = [_message(message) for message in socket["messages"]]
            shown["_webSocket"] = {name: value for name, value in socket.items() if name != "messages"}
        return {name: value for name, value in shown.items() if value is not None}


def _request(data: dict[str, Any]) -> dict[str, Any]:
    request, response = data["request"], data.get("response")
    headers = _headers(request["headers"])
    shown: dict[str, Any] = {
        "method": data["method"],
        "url": _uri(data["url"]),
        "httpVersion": _version(response["protocol"] if response else ""),
        "headers": headers,
        "queryString": _query(data["url"]),
        "cookies": _cookies_sent(headers),
        "headersSize": request["head_bytes"] or -1,
        "bodySize": request["body_bytes"],
    }
    if (body := request.get("body")) is not None:
        kind = _value(headers, "content-type")
        shown["postData"] = {"mimeType": kind, "text": body["text"], "params": _fields(kind, body["text"])}
        if body.get("is_cut"):
            shown["postData"]["comment"] = "cut"
    return shown


def _response(data: dict[str, Any]) -> dict[str, Any]:
    response, failure = data.get("response"), data.get("failure")
    error = failure["text"] if failure else None
    if response is None:
        return {
            "status": _STATUS_WITHOUT_ANSWER,
            "statusText": "",
            "httpVersion": "",
            "headers": [],
            "cookies": [],
            "content": {"size": 0, "mimeType": "x-unknown"},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
            "_transferSize": 0,
            "_error": error,
        }
    headers = _headers(response["headers"])
    content: dict[str, Any] = {"size": response["content_bytes"], "mimeType": response["mime_type"] or "x-unknown"}
    if response["from"] == "network" and response["body_bytes"]:
        content["compression"] = response["content_bytes"] - response["body_bytes"]
    if (body := response.get("body")) is not None:
        content["text"] = body["text"]
        if body.get("encoding"):
            content["encoding"] = body["encoding"]
    shown = {
        "status": response["status"],
        "statusText": response["status_text"],
        "httpVersion": _version(response["protocol"]),
        "headers": headers,
        "cookies": [cookie for cookie in map(_cookie_received, _values(headers, "set-cookie")) if cookie],
        "content": content,
        "redirectURL": _value(headers, "location"),
        "headersSize": response["head_bytes"] or -1,
        "bodySize": response["body_bytes"],
        "_transferSize": data["sizes"]["response_bytes"],
        "_error": error,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _page(loader: str, page: dict[str, Any]) -> dict[str, Any]:
    return {
        "startedDateTime": page["began"],
        "id": f"page_{loader}",
        "title": page.get("title", ""),
        "pageTimings": {
            "onContentLoad": _after(page["began"], page.get("content_loaded_at")),
            "onLoad": _after(page["began"], page.get("loaded_at")),
        },
    }


def _after(began: str, at: str | None) -> float:
    if at is None:
        return -1
    span = datetime.fromisoformat(at) - datetime.fromisoformat(began)
    return round(max(0.0, span.total_seconds() * 1000), 3)


def _version(protocol: str) -> str:
    return {"h2": "HTTP/2", "h3": "HTTP/3", "http/1.1": "HTTP/1.1", "http/1.0": "HTTP/1.0"}.get(protocol, protocol)


def _headers(pairs: Iterable[list[str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _values(headers: list[dict[str, str]], name: str) -> list[str]:
    return [header["value"] for header in headers if header["name"].lower() == name]


def _value(headers: list[dict[str, str]], name: str) -> str:
    return next(iter(_values(headers, name)), "")


def _uri(url: str) -> str:
    """An address of RFC 3986: browsers leave signs in theirs that have no place there."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if not mark:
        return quote(url, safe=_URI)
    return f"{scheme}{mark}{quote(host, safe=_URI + '[]')}{slash}{quote(path, safe=_URI)}"


def _query(url: str) -> list[dict[str, str]]:
    if not url.startswith(("http://", "https://", "ws://", "wss://")):
        return []
    try:
        query = urlsplit(url).query
    except ValueError:
        return []
    return [{"name": name, "value": value} for name, value in parse_qsl(query, keep_blank_values=True)]


def _fields(kind: str, text: str) -> list[dict[str, str]]:
    if not kind.startswith("application/x-www-form-urlencoded"):
        return []
    return [{"name": name, "value": value} for name, value in parse_qsl(text, keep_blank_values=True)]


def _cookies_sent(headers: list[dict[str, str]]) -> list[dict[str, str]]:
    pairs = (pair.partition("=") for text in _values(headers, "cookie") for pair in text.split("; "))
    return [{"name": name, "value": value} for name, _, value in pairs if name]


def _cookie_received(text: str) -> dict[str, Any] | None:
    pair, _, attributes = text.partition(";")
    name, _, value = pair.partition("=")
    shown: dict[str, Any] = {"name": name.strip(), "value": value.strip(), "httpOnly": False, "secure": False}
    try:
        morsel = next(iter(SimpleCookie(f"a=b;{attributes}").values()), None)
    except CookieError:
        morsel = None
    if morsel is not None:
        for attribute in ("path", "domain"):
            if morsel[attribute]:
                shown[attribute] = morsel[attribute]
        shown["httpOnly"], shown["secure"] = bool(morsel["httponly"]), bool(morsel["secure"])
        if same_site := _SAME_SITE.get(str(morsel["samesite"]).lower()):
            shown["sameSite"] = same_site
    return shown if shown["name"] else None


def _initiator(initiator: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": initiator["type"]}
    if "url" in initiator:
        shown |= {"url": initiator["url"], "lineNumber": initiator["line"], "columnNumber": initiator["column"]}
    if "stack" in initiator:
        shown["stack"] = {
            "callFrames": [
                {
                    "functionName": frame["function"],
                    "url": frame["url"],
                    "lineNumber": frame["line"],
                    "columnNumber": frame["column"],
                    "scriptId": "0",
                }
                for frame in initiator["stack"]
            ]
        }
    return shown


def _message(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": message["type"],
        "time": datetime.fromisoformat(message["at"]).timestamp(),
        "opcode": message["opcode"],
        "data": message.get("data", ""),
        "_bytes": message["bytes"],
    }
