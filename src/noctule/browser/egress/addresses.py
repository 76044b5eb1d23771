"""Hosts and addresses: what a host's text means, and which rule an address falls under.

Pure. Every notation that some resolver or browser would take for an address is taken for that address
here (decimal, octal, hexadecimal, short forms, IPv4 inside IPv6), so no spelling leads around a rule; text
that ends in a number and is no address is malformed and never looked up as a name.

Sources of the ranges: the IANA special-purpose address registries (RFC 6890 and its updates); metadata
addresses are those that the large clouds document.
"""

import ipaddress
import re
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

RULES = {
    "malformed-host": "not a host that can be reached",
    "own-port": "a port of this server itself",
    "own-address": "an address of this machine",
    "unspecified-address": "the unspecified address",
    "loopback-address": "a loopback address",
    "metadata": "a cloud's metadata service",
    "link-local-address": "a link-local address",
    "private-address": "a private address",
    "shared-address": "a carrier's shared address",
    "multicast-address": "a multicast address",
    "broadcast-address": "the broadcast address",
    "embedded-address": "an address that carries another one",
    "reserved-address": "a reserved address",
}
"""Short names of the rules, each with the words that finish the sentence "the host is …" or "leads to …"."""

METADATA_NAMES = frozenset(
    {
        "instance-data",
        "instance-data.ec2.internal",
        "metadata",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.platformequinix.com",
        "metadata.tencentyun.com",
    }
)

# Amazon, Google, Azure and most others; containers on Amazon; Alibaba; Oracle; Azure's wire server, which is
# a public address; Amazon's and Google's over IPv6.
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)

_BLOCKS: tuple[tuple[Network, str], ...] = tuple(
    (ipaddress.ip_network(text), rule)
    for text, rule in (
        ("0.0.0.0/32", "unspecified-address"),
        ("127.0.0.0/8", "loopback-address"),
        ("169.254.0.0/16", "link-local-address"),
        ("10.0.0.0/8", "private-address"),
        ("172.16.0.0/12", "private-address"),
        ("192.168.0.0/16", "private-address"),
        ("100.64.0.0/10", "shared-address"),
        ("255.255.255.255/32", "broadcast-address"),
        ("224.0.0.0/4", "multicast-address"),
        ("192.88.99.0/24", "reserved-address"),
        ("::/128", "unspecified-address"),
        ("::1/128", "loopback-address"),
        ("fe80::/10", "link-local-address"),
        ("fc00::/7", "private-address"),
        ("fec0::/10", "private-address"),
        ("ff00::/8", "multicast-address"),
        ("::/96", "embedded-address"),
        ("::ffff:0:0:0/96", "embedded-address"),
        ("64:ff9b:1::/48", "embedded-address"),
        ("2001::/32", "embedded-address"),
        ("2002::/16", "embedded-address"),
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")

_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_\-]{0,61}[a-z0-9_])?")


def parse_host(text: str) -> Address | str:
    """The address that a host spells, or its name in lower case without a last dot.

    IPv4 inside an IPv4-mapped address comes out as IPv4. Raises ``ValueError`` for what is neither.
    """
    host = text.lower()
    if host.startswith("[") and host.endswith("]"):
        return _ipv6(host[1:-1])
    if ":" in host:
        return _ipv6(host)
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    host = host.removesuffix(".")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(host)
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"not a host name: {text!r}")
    return host


def unmapped(address: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped one, else the address itself."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def rule_of(address: Address) -> str | None:
    """The rule by which an address may not be reached, or ``None`` for a public one."""
    if address in _METADATA:
        return "metadata"
    for network, rule in _BLOCKS:
        if address in network:
            return rule
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
            return "embedded-address" if rule_of(inner) or is_own(inner) else None
        if address not in _UNICAST_V6:
            return "reserved-address"
    return None if address.is_global else "reserved-address"


def is_own(address: Address) -> bool:
    """Whether an address belongs to this machine.

    The kernel is asked which source it would use: for an address of its own it answers that very address.
    Nothing is sent, and nothing can go stale as a list of interfaces would.
    """
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return str(probe.getsockname()[0]) == str(address)
    except OSError:
        return False


def _ipv4(host: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        raise ValueError(f"not an IPv4 address: {host!r}") from None


def _ipv6(host: str) -> Address:
    if "%" in host:
        raise ValueError(f"an address with a zone: {host!r}")
    return unmapped(ipaddress.IPv6Address(host))
