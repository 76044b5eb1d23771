"""Where a browser may connect to.

What must hold: an address is only handed out after it was judged; a port of our own at an address of this
machine is never handed out, whatever the allow list says; a name is looked up once for one connection, and
the addresses of that one answer are all that may be connected to (so a name that changes its answer gains
nothing).
"""

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from noctule.browser.egress.addresses import (
    METADATA_NAMES,
    RULES,
    Address,
    Network,
    is_own,
    parse_host,
    rule_of,
    unmapped,
)
from noctule.browser.egress.resolver import ResolveFailed, Resolver, SystemResolver

RESOLVE_TIMEOUT_SECONDS = 5.0
_MAX_ADDRESSES = 16
_SETTING = "NOCTULE_EGRESS_ALLOW"
_LOOPBACKS = ("127.0.0.1", "::1")


class EgressRefused(Exception):
    """A destination that the policy does not allow.

    ``rule`` is one of the short names in ``addresses.RULES``; ``message`` is a sentence for people that
    names the rule, the host and, where one could allow it, the setting.
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message


class OwnPorts:
    """Ports of this server (API, devtools, egress listeners) that no browser may reach."""

    def __init__(self) -> None:
        self._ports: set[int] = set()

    def add(self, port: int) -> None:
        self._ports.add(port)

    def discard(self, port: int) -> None:
        self._ports.discard(port)

    def __contains__(self, port: object) -> bool:
        return port in self._ports


@dataclass(frozen=True, slots=True)
class _Allowed:
    """One entry of the allow list: a network or a name, at one port or at all."""

    network: Network | None
    name: str | None
    port: int | None

    def fits(self, name: str | None, address: Address, port: int) -> bool:
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            return address in self.network
        return name is not None and name == self.name

    def names_exactly(self, name: str | None, address: Address, port: int) -> bool:
        """Whether it fits and can mean nothing else: neither a range, nor a name that led there by its DNS."""
        if self.network is not None and self.network.num_addresses > 1:
            return False
        return (self.network is not None or self.name in METADATA_NAMES) and self.fits(name, address, port)


class EgressPolicy:
    """Judges destinations.

    ``allow`` are the entries of ``NOCTULE_EGRESS_ALLOW``: a CIDR, an address, ``address:port``,
    ``[v6]:port``, a host or ``host:port`` (that very host, not those below it). A metadata service is only
    allowed by an entry that names its one address or its well-known name. Raises ``ValueError`` that names
    an entry which is none of these.
    """

    def __init__(self, allow: Sequence[str], *, resolver: Resolver | None = None) -> None:
        self._allowed = tuple(_parse_entry(entry) for entry in allow)
        self._resolver = resolver or SystemResolver()
        self.own_ports = OwnPorts()

    async def resolve(self, host: str, port: int) -> list[tuple[str, int]]:
        """Addresses of a host that were checked and may be connected to, best first, never none.

        Raises ``EgressRefused``, or ``ResolveFailed`` for a name that has no address; bounded in time.
        """
        name, addresses = await self._look_up(host, port)
        refused: list[str] = []
        good = []
        for address in addresses:
            rule = self._judge(name, address, port)
            if rule is None:
                good.append((str(address), port))
            else:
                refused.append(rule)
        if not good:
            raise _refusal(refused[0], host, port, is_name=name is not None)
        return good

    async def resolve_trusted(self, host: str, port: int) -> list[tuple[str, int]]:
        """Like ``resolve``, for a host that the operator chose: only this server's own ports are refused."""
        name, addresses = await self._look_up(host, port)
        good = [(str(address), port) for address in addresses if not self._is_own_port(address, port)]
        if not good:
            raise _refusal("own-port", host, port, is_name=name is not None)
        return good

    async def _look_up(self, host: str, port: int) -> tuple[str | None, list[Address]]:
        try:
            target = parse_host(host)
        except ValueError:
            raise _refusal("malformed-host", host, port) from None
        if not 0 < port < 65536:
            raise _refusal("malformed-host", host, port)
        if not isinstance(target, str):
            return None, [target]
        if target in METADATA_NAMES and not any(entry.name == target for entry in self._allowed):
            raise _refusal("metadata", host, port)
        return target, await self._addresses(target)

    async def _addresses(self, name: str) -> list[Address]:
        if name == "localhost" or name.endswith(".localhost"):
            return [ipaddress.ip_address(text) for text in _LOOPBACKS]
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT_SECONDS):
                found = await self._resolver.resolve(name)
        except TimeoutError:
            raise ResolveFailed(f"{name} could not be resolved in time", timed_out=True) from None
        addresses = dict.fromkeys(unmapped(ipaddress.ip_address(text)) for text in found if "%" not in text)
        if not addresses:
            raise ResolveFailed(f"{name} could not be resolved")
        return list(addresses)[:_MAX_ADDRESSES]

    def _judge(self, name: str | None, address: Address, port: int) -> str | None:
        if self._is_own_port(address, port):
            return "own-port"
        rule = rule_of(address) or ("own-address" if is_own(address) else None)
        if rule is None:
            return None
        exact = rule == "metadata"
        for entry in self._allowed:
            if (entry.names_exactly if exact else entry.fits)(name, address, port):
                return None
        return rule

    def _is_own_port(self, address: Address, port: int) -> bool:
        return port in self.own_ports and is_own(address)


def _refusal(rule: str, host: str, port: int, *, is_name: bool = False) -> EgressRefused:
    verb = "leads to" if is_name else "is"
    remedy = "" if rule in ("malformed-host", "own-port") else f" The operator can allow it with {_SETTING}."
    message = f"{_shown(host)}:{port} was refused by the egress rule '{rule}': it {verb} {RULES[rule]}.{remedy}"
    return EgressRefused(rule, message)


def _shown(host: str) -> str:
    """A host that is safe to print, and short."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in host)
    return printable if len(printable) <= 100 else printable[:100] + "…"


def _parse_entry(text: str) -> _Allowed:
    entry = text.strip()
    try:
        if "/" in entry:
            return _Allowed(ipaddress.ip_network(entry), None, None)
        host, port = _split_port(entry)
        target = parse_host(host)
    except ValueError as error:
        raise ValueError(
            f"{_SETTING}: {entry!r} is not a CIDR, a host, host:port, an address, address:port or [v6]:port ({error})"
        ) from None
    if isinstance(target, str):
        return _Allowed(None, target, port)
    return _Allowed(ipaddress.ip_network(target), None, port)


def _split_port(entry: str) -> tuple[str, int | None]:
    if entry.startswith("["):
        host, closed, rest = entry.partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise ValueError("brackets")
        return host + closed, _port(rest[1:]) if rest else None
    if entry.count(":") > 1:
        return entry, None
    host, colon, port = entry.partition(":")
    return host, _port(port) if colon else None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65536:
        raise ValueError(f"{text!r} is not a port")
    return int(text)
