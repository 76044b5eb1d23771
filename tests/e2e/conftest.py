"""One server and one origin for the whole suite of user journeys."""

from collections.abc import Iterator

import pytest

from tests.support.origin import Origin
from tests.support.server import Server


@pytest.fixture(scope="session")
def origin() -> Iterator[Origin]:
    """A web site on loopback that the server's browsers may reach."""
    with Origin() as origin:
        yield origin


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Server]:
    """A running server."""
    folder = tmp_path_factory.mktemp("server")
    server = Server(
        folder / "data", {"NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port}", "NOCTULE_WARM_POOL_SIZE": "2"}
    )
    try:
        yield server.start()
    finally:
        server.close()
