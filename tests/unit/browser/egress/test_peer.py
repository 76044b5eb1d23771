"""The kernel tells whose a loopback connection is."""

import os
import socket

import pytest

from noctule.browser.egress import peer

pytestmark = pytest.mark.skipif(not peer.available(), reason="this machine has no socket diagnostics")


def test_the_owner_of_a_connection_is_who_made_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert peer.owner(client.getsockname(), server.getsockname()) == os.geteuid()


def test_a_connection_that_is_not_there_has_no_owner() -> None:
    with pytest.raises(peer.PeerUnknown):
        peer.owner(("127.0.0.1", 1), ("127.0.0.1", 2))
