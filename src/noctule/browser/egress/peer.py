"""Which user owns the other end of a loopback connection, asked of Linux's socket diagnostics.

One netlink message for the exact pair of addresses: tens of microseconds, whatever the number of sockets.
Source: ``inet_diag_req_v2`` and ``inet_diag_msg`` of linux/inet_diag.h, sock_diag(7).
"""

import ipaddress
import socket
import struct

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_NO_COOKIE = b"\xff" * 8
_ALL_STATES = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")
_REQUEST_HEAD = struct.Struct("=BBBxI")
# idiag_uid follows the family word, the 48 bytes of the socket's id, and expires, rqueue and wqueue.
_UID_AT = _HEADER.size + 4 + 48 + 12
_TIMEOUT_SECONDS = 0.2


class PeerUnknown(Exception):
    """The kernel does not say."""


def available() -> bool:
    """Whether this machine answers such questions at all."""
    try:
        _ask(b"\0" * 40 + _NO_COOKIE)
    except PeerUnknown:
        return False
    return True


def owner(peer: tuple[str, int], own: tuple[str, int]) -> int:
    """The uid of the local process that connected from ``peer`` to ``own`` (both IPv4 over TCP).

    Raises ``PeerUnknown``, also when there is no such socket (any more).
    """
    answer = _ask(
        peer[1].to_bytes(2, "big")
        + own[1].to_bytes(2, "big")
        + ipaddress.IPv4Address(peer[0]).packed.ljust(16, b"\0")
        + ipaddress.IPv4Address(own[0]).packed.ljust(16, b"\0")
        + b"\0\0\0\0"
        + _NO_COOKIE
    )
    if len(answer) < _UID_AT + 4 or _HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        raise PeerUnknown("no such socket")
    uid: int = struct.unpack_from("=I", answer, _UID_AT)[0]
    return uid


def _ask(socket_id: bytes) -> bytes:
    """The kernel's answer about one socket, an error message of its own included."""
    body = _REQUEST_HEAD.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, _ALL_STATES) + socket_id
    message = _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0) + body
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG) as kernel:
            kernel.settimeout(_TIMEOUT_SECONDS)
            kernel.send(message)
            return kernel.recv(4096)
    except (OSError, AttributeError) as error:
        raise PeerUnknown(str(error)) from None
