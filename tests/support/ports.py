"""Ports for servers that end and come back: the kernel gives those from 32768 on to any connection meanwhile."""

import contextlib
import random
import socket


def free_port() -> int:
    """A port of loopback that stays free between two lives of a server."""
    for port in random.sample(range(20_000, 32_768), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")
