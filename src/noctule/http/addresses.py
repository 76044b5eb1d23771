"""Paths as routes know them, and addresses as clients know them."""

import ipaddress
import re
from collections.abc import Mapping

from starlette.types import Scope

_SLASHES = re.compile(r"/{2,}")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")


def normal_path(path: str) -> str:
    """The path without doubled slashes and without one at its end."""
    if "//" in path:
        path = _SLASHES.sub("/", path)
    if len(path) > 1 and path.endswith("/"):
        path = path[:-1]
    return path or "/"


def base_url(scope: Scope, headers: Mapping[bytes, bytes], public_url: str | None) -> str:
    """The root of this server as this client reaches it, without a trailing slash.

    A forwarding proxy's word is taken: a client that forges it only misleads itself.
    """
    if public_url:
        return public_url.rstrip("/")
    scheme = _first(headers.get(b"x-forwarded-proto")).lower()
    if scheme not in ("http", "https"):
        scheme = str(scope.get("scheme", "http"))
    for name in (b"x-forwarded-host", b"host"):
        host = _first(headers.get(name))
        if _HOST.fullmatch(host):
            return f"{scheme}://{host}"
    address, port = scope.get("server") or ("127.0.0.1", None)
    host = f"[{address}]" if ":" in address else address
    return f"{scheme}://{host}" if port is None else f"{scheme}://{host}:{port}"


def client_network(scope: Scope) -> str:
    """What stands for an unknown client: its IPv4 address, or the /64 of its IPv6 address."""
    client = scope.get("client")
    if not client:
        return "unknown"
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return str(client[0])
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


def _first(value: bytes | None) -> str:
    return "" if value is None else value.split(b",", 1)[0].strip().decode("latin-1")
