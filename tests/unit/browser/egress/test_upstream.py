"""Leaving through an upstream proxy: credentials, pinning, bypass, bytes."""

import asyncio
import socket

import pytest

from noctule.browser.commands import Upstream, UpstreamRefused
from noctule.browser.egress import EgressPolicy, EgressProxy
from noctule.browser.egress.upstream import validate
from tests.support.origin import Origin
from tests.support.upstream import HttpUpstream, SocksUpstream, UpstreamProxy
from tests.unit.browser.egress.wire import Client, Names, Run, running

KINDS = [HttpUpstream, SocksUpstream]


def upstream(proxy: UpstreamProxy, *, from_pool: bool = True, bypass: tuple[str, ...] = ()) -> Upstream:
    return Upstream(proxy.server, proxy.username, proxy.password, bypass, from_pool)


async def fetch(proxy: EgressProxy, url: str) -> int:
    client = await Client.connect(proxy.port)
    status = (await client.get(url)).status
    client.close()
    return status


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("credentials", [(None, None), ("user", "secret")])
def test_everything_goes_through_the_upstream_and_every_byte_is_counted(
    kind: type[UpstreamProxy], credentials: tuple[str | None, str | None], run: Run
) -> None:
    async def scenario(origin: Origin, far: UpstreamProxy) -> None:
        names = Names(site_example=["127.0.0.1"])
        async with running(EgressPolicy([f"site.example:{origin.port}"], resolver=names)) as proxy:
            await proxy.use_upstream(upstream(far))
            assert await fetch(proxy, f"http://site.example:{origin.port}/echo") == 200
            client = await Client.connect(proxy.port)
            assert (await client.tunnel(f"site.example:{origin.port}")).status == 200
            client.send("GET /bytes/1000000 HTTP/1.1\r\nHost: site.example\r\n\r\n")
            assert len((await client.answer()).body) == 1_000_000
            # The first was the check; the others name the address that was judged.
            assert far.targets == ["example.com:443", *[f"127.0.0.1:{origin.port}"] * 2]
            assert origin.requests[0].header("host") == f"site.example:{origin.port}"
            assert (proxy.request_bytes, proxy.response_bytes) == (far.received_bytes, far.sent_bytes)
            assert proxy.proxied_bytes == far.received_bytes + far.sent_bytes

    with Origin() as origin, kind(*credentials) as far:
        run(scenario(origin, far))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", [(None, None), ("user", "wrong"), ("wrong", "secret")])
def test_wrong_credentials_are_refused_at_the_start_without_being_shown(
    kind: type[UpstreamProxy], given: tuple[str | None, str | None]
) -> None:
    async def scenario(far: UpstreamProxy) -> None:
        async with running(EgressPolicy([])) as proxy:
            with pytest.raises(UpstreamRefused) as caught:
                await proxy.use_upstream(Upstream(far.server, *given, from_pool=True))
            assert "refused the credentials" in str(caught.value)
            assert "wrong" not in str(caught.value)
            assert f"127.0.0.1:{far.port}" in str(caught.value)

    with kind("user", "secret") as far:
        asyncio.run(scenario(far))


@pytest.mark.parametrize(
    ("answer", "alive"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", True),
        (b"HTTP/1.1 503 Busy\r\n\r\n", True),
        (b"HTTP/1.1 403 Not that host\r\n\r\n", True),
        (b"HTTP/1.0 200 ok\r\n\r\n", True),
        (b"HTTP/1.1 407 Who are you\r\n\r\n", False),
        (b"HTTP/1.1 401 Who are you\r\n\r\n", False),
        (b"HTTP/1.1 402 Pay\r\n\r\n", False),
        (b"SSH-2.0-OpenSSH\r\n\r\n", False),
        (b"", False),
    ],
)
def test_the_check_asks_whether_the_upstream_is_alive_and_willing(answer: bytes, alive: bool) -> None:
    async def scenario(far: UpstreamProxy) -> None:
        async with running(EgressPolicy([])) as proxy:
            if alive:
                await proxy.use_upstream(upstream(far))
            else:
                with pytest.raises(UpstreamRefused):
                    await proxy.use_upstream(upstream(far))

    with HttpUpstream(answer=answer) as far:
        asyncio.run(scenario(far))


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks4"])
def test_an_upstream_that_is_not_there_is_refused(scheme: str) -> None:
    async def scenario() -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        async with running(EgressPolicy([])) as proxy:
            with pytest.raises(UpstreamRefused, match="refused the connection"):
                await proxy.use_upstream(Upstream(f"{scheme}://127.0.0.1:{port}", from_pool=True))

    asyncio.run(scenario())


def test_an_upstream_of_the_users_own_must_be_public() -> None:
    async def scenario(far: UpstreamProxy) -> None:
        async with running(EgressPolicy([])) as proxy:
            with pytest.raises(UpstreamRefused, match="loopback-address"):
                await proxy.use_upstream(upstream(far, from_pool=False))
        async with running(EgressPolicy([f"127.0.0.1:{far.port}"])) as proxy:
            await proxy.use_upstream(upstream(far, from_pool=False))

    with HttpUpstream() as far:
        asyncio.run(scenario(far))


def test_the_operators_own_upstream_may_not_be_one_of_our_ports() -> None:
    async def scenario() -> None:
        async with running(EgressPolicy([])) as proxy:
            with pytest.raises(UpstreamRefused, match="own-port"):
                await proxy.use_upstream(Upstream(f"http://127.0.0.1:{proxy.port}", from_pool=True))

    asyncio.run(scenario())


def test_the_policy_judges_the_destination_before_the_upstream_hears_of_it() -> None:
    async def scenario(far: UpstreamProxy) -> None:
        async with running(EgressPolicy([], resolver=Names(private_example=["10.0.0.1"]))) as proxy:
            await proxy.use_upstream(upstream(far))
            for url in ("http://10.0.0.1/", "http://localhost/", "http://private.example/"):
                assert await fetch(proxy, url) == 403
            assert far.targets == ["example.com:443"]

    with HttpUpstream() as far:
        asyncio.run(scenario(far))


@pytest.mark.parametrize(
    ("entry", "direct"),
    [
        ("site.example", True),
        ("example", True),
        ("*.example", True),
        (".example", True),
        ("SITE.example.", True),
        ("127.0.0.0/8", True),
        ("127.0.0.1", True),
        ("*", True),
        ("*.site.example", False),
        ("te.example", False),
        ("10.0.0.0/8", False),
    ],
)
def test_what_the_bypass_list_names_goes_direct(entry: str, direct: bool) -> None:
    async def scenario(origin: Origin, far: UpstreamProxy) -> None:
        names = Names(site_example=["127.0.0.1"])
        async with running(EgressPolicy(["site.example"], resolver=names)) as proxy:
            await proxy.use_upstream(upstream(far, bypass=(entry,)))
            proxy.reset_counters()
            assert await fetch(proxy, f"http://site.example:{origin.port}/") == 200
            assert (proxy.proxied_bytes == 0) == direct
            assert (len(far.targets) == 1) == direct

    with Origin() as origin, HttpUpstream() as far:
        asyncio.run(scenario(origin, far))


def test_bytes_through_a_users_own_upstream_are_counted_but_not_as_the_pools() -> None:
    async def scenario(origin: Origin, far: UpstreamProxy) -> None:
        async with running(EgressPolicy(["127.0.0.1"])) as proxy:
            await proxy.use_upstream(upstream(far, from_pool=False))
            assert await fetch(proxy, origin.url) == 200
            assert proxy.response_bytes == far.sent_bytes
            assert proxy.proxied_bytes == 0

    with Origin() as origin, HttpUpstream() as far:
        asyncio.run(scenario(origin, far))


def test_an_answer_that_comes_in_crumbs_is_read_to_its_end_and_no_further() -> None:
    async def scenario(origin: Origin, far: UpstreamProxy) -> None:
        async with running(EgressPolicy(["127.0.0.1"])) as proxy:
            await proxy.use_upstream(upstream(far))
            client = await Client.connect(proxy.port)
            assert (await client.tunnel(f"127.0.0.1:{origin.port}")).status == 200
            client.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await client.answer()).status == 200

    with Origin() as origin, HttpUpstream(slowly=True) as far:
        asyncio.run(scenario(origin, far))


@pytest.mark.parametrize("kind", KINDS)
def test_a_destination_that_the_upstream_cannot_reach_is_a_502(kind: type[UpstreamProxy]) -> None:
    async def scenario(far: UpstreamProxy) -> None:
        async with running(EgressPolicy(["127.0.0.1"])) as proxy:
            await proxy.use_upstream(upstream(far))
            assert await fetch(proxy, "http://127.0.0.1:1/") == 502
            assert proxy.refusals_since(0)[0].rule == "upstream-failed"

    with kind() as far:
        asyncio.run(scenario(far))


def test_a_change_of_upstream_closes_what_went_the_old_way() -> None:
    async def scenario(origin: Origin, far: UpstreamProxy) -> None:
        async with running(EgressPolicy(["127.0.0.1"])) as proxy:
            client = await Client.connect(proxy.port)
            await client.tunnel(f"127.0.0.1:{origin.port}")
            await proxy.use_upstream(upstream(far))
            assert await client.is_cut_off()
            await proxy.use_upstream(None)
            assert await fetch(proxy, origin.url) == 200
            assert len(far.targets) == 1

    with Origin() as origin, HttpUpstream() as far:
        asyncio.run(scenario(origin, far))


def test_a_refused_upstream_leaves_the_old_way_in_force() -> None:
    async def scenario(origin: Origin) -> None:
        async with running(EgressPolicy(["127.0.0.1"])) as proxy:
            with pytest.raises(UpstreamRefused):
                await proxy.use_upstream(Upstream("http://127.0.0.1:1", from_pool=True))
            assert await fetch(proxy, origin.url) == 200

    with Origin() as origin:
        asyncio.run(scenario(origin))


@pytest.mark.parametrize(
    "server",
    [
        "",
        "ftp://a.example:1",
        "http://",
        "http://a.example:99999",
        "http://a.example/path",
        "https://a.example",
        "http://a b",
    ],
)
def test_an_address_of_no_known_kind_is_refused(server: str) -> None:
    with pytest.raises(UpstreamRefused, match="must be http://host:port"):
        validate(Upstream(server))


@pytest.mark.parametrize(
    ("server", "username", "password"),
    [
        ("http://a.example:1", "a:b", "c"),
        ("http://a.example:1", "a", "\u20ac"),
        ("socks5://a.example:1", "a", "\u00e9"),
        ("socks5://a.example:1", "a", "x" * 256),
    ],
)
def test_credentials_that_the_protocol_cannot_carry_are_refused_unshown(
    server: str, username: str, password: str
) -> None:
    with pytest.raises(UpstreamRefused) as caught:
        validate(Upstream(server, username, password))
    assert username not in str(caught.value).split()
    assert password not in str(caught.value).split()


@pytest.mark.slow
def test_an_upstream_that_says_nothing_is_left_after_ten_seconds() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with running(EgressPolicy([])) as proxy:
            with pytest.raises(UpstreamRefused, match="did not answer in time"):
                await proxy.use_upstream(Upstream(f"socks5://127.0.0.1:{port}", from_pool=True))
        server.close()

    asyncio.run(scenario())


def test_credentials_may_stand_in_the_address() -> None:
    async def scenario(far: UpstreamProxy) -> None:
        server = f"http://user:sec%20ret@127.0.0.1:{far.port}"
        async with running(EgressPolicy([])) as proxy:
            await proxy.use_upstream(Upstream(server, from_pool=True))
            assert len(far.targets) == 1

    with HttpUpstream("user", "sec ret") as far:
        asyncio.run(scenario(far))
