"""Network logs as the official SDKs have them."""

import pytest

from tests.support import clients
from tests.support.origin import Origin
from tests.support.server import KEY, Server

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("version", clients.SDK_VERSIONS)
def test_the_official_sdk_has_the_network_logs_of_a_session(version: str, server: Server, origin: Origin) -> None:
    origin.page("/logged", "<!doctype html><title>Logged</title><img src='/bytes/321'>")
    seen = clients.run_sdk_script(version, server.url, KEY, "sdk_network.py", f"{origin.url}logged")

    for logs in (seen["live"], seen["after"]):
        assert logs["format"] == "batched_v1"
        assert logs["total_batch_count"] == len(logs["batches"])
    assert all(batch["key"].endswith(".jsonl") for batch in seen["after"]["batches"])
    urls = [exchange["data"]["url"] for exchange in seen["exchanges"]]
    assert f"{origin.url}logged" in urls
    assert f"{origin.url}bytes/321" in urls
