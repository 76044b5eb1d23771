"""The operator's upstream proxies, from a TOML file.

::

    [[proxy]]
    server = "http://gateway.example:8080"   # or socks5://, socks4://
    username = "…"                           # optional, as are password, country and id
    password = "…"
    country = "us"                           # ISO 3166-1, two letters
    id = "gateway-1"

Passwords are never shown: neither by a representation nor by an error.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noctule.browser.commands import Upstream, UpstreamRefused
from noctule.browser.egress.upstream import validate

_KEYS = frozenset({"server", "username", "password", "country", "id"})
_PREFERRED_COUNTRY = "us"


class PoolFileError(ValueError):
    """The file cannot be used; the message names the file, the entry and what is wrong."""


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """One proxy of the pool."""

    upstream: Upstream
    country: str | None
    id: str | None


class ProxyPool:
    """Chooses among the operator's proxies, each in its turn."""

    def __init__(self, entries: Sequence[PoolEntry] = ()) -> None:
        self._entries = tuple(entries)
        self._turns: dict[tuple[PoolEntry, ...], int] = {}

    @classmethod
    def load(cls, path: Path | None) -> "ProxyPool":
        """The pool of a file; no file, no proxies. Raises ``PoolFileError``."""
        if path is None:
            return cls()
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise PoolFileError(f"{path}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise PoolFileError(f"{path}: is not UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            raise PoolFileError(f"{path}: is not TOML: {error}") from None
        return cls(_entries(path, document))

    def choose(self, country: str | None, proxy_id: str | None) -> Upstream | None:
        """The next proxy in that country and with that id, or ``None`` if there is none.

        Where neither is asked for, proxies in the United States come first, if there are any.
        """
        fitting = tuple(
            entry
            for entry in self._entries
            if (country is None or entry.country == country.lower()) and (proxy_id is None or entry.id == proxy_id)
        )
        if country is None and proxy_id is None:
            fitting = tuple(entry for entry in fitting if entry.country == _PREFERRED_COUNTRY) or fitting
        if not fitting:
            return None
        turn = self._turns.get(fitting, 0)
        self._turns[fitting] = (turn + 1) % len(fitting)
        return fitting[turn].upstream

    def countries(self) -> tuple[str, ...]:
        """Countries that the pool has, in order; ``"any"`` stands for proxies without one. Empty when there
        is no pool."""
        return tuple(sorted({entry.country or "any" for entry in self._entries}))

    def __len__(self) -> int:
        return len(self._entries)


def _entries(path: Path, document: Mapping[str, Any]) -> list[PoolEntry]:
    tables = document.get("proxy", [])
    unknown = sorted(set(document) - {"proxy"})
    if unknown or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise PoolFileError(f"{path}: holds [[proxy]] tables and nothing else; found {', '.join(unknown) or 'proxy'}")
    entries: list[PoolEntry] = []
    for number, table in enumerate(tables, 1):
        try:
            entry = _entry(table)
            if entry.id is not None and any(other.id == entry.id for other in entries):
                raise ValueError(f"the id {entry.id!r} stands there twice")
        except ValueError as error:
            raise PoolFileError(f"{path}: proxy {number}: {error}") from None
        entries.append(entry)
    return entries


def _entry(table: Mapping[str, Any]) -> PoolEntry:
    if unknown := sorted(set(table) - _KEYS):
        raise ValueError(f"{', '.join(unknown)}: no such key; there are {', '.join(sorted(_KEYS))}")
    for key, value in table.items():
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{key} must be text")
    if "server" not in table:
        raise ValueError("server is missing")
    if "@" in table["server"]:
        raise ValueError("give username and password as keys of their own, not inside server")
    country = table["country"].strip().lower() if "country" in table else None
    if country is not None and not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise ValueError(f"country must be two letters (ISO 3166-1), not {country!r}")
    upstream = Upstream(table["server"].strip(), table.get("username"), table.get("password"), from_pool=True)
    try:
        validate(upstream)
    except UpstreamRefused as error:
        raise ValueError(str(error)) from None
    return PoolEntry(upstream, country, table.get("id"))
