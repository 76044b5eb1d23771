"""What a browser reaches, unharmed and counted to the byte."""

import itertools
import time

import pytest
from playwright.sync_api import Page, Playwright

from noctule.browser.commands import Upstream, UpstreamRefused
from tests.e2e.egress.rig import WEB_SOCKET, Listener, browsing, until
from tests.support.origin import Origin
from tests.support.upstream import HttpUpstream, SocksUpstream, UpstreamProxy

pytestmark = pytest.mark.slow


def test_an_allowed_site_is_reached_over_http_https_and_web_sockets(page: Page, site: Origin) -> None:
    for url in (site.url, site.tls_url):
        answer = page.goto(url)
        assert answer is not None
        assert answer.status == 200
        assert page.title() == "Origin"
    page.goto(site.url)
    assert page.evaluate(WEB_SOCKET, f"ws://127.0.0.1:{site.port}/ws") == "hello"
    page.goto(site.tls_url)
    assert page.evaluate(WEB_SOCKET, f"wss://127.0.0.1:{site.tls_port}/ws") == "hello"


@pytest.mark.parametrize("tls", [False, True])
def test_a_posted_body_arrives_whole(page: Page, site: Origin, tls: bool) -> None:
    page.goto(site.tls_url if tls else site.url)
    length = page.evaluate(
        """async () => (await (await fetch('/echo', {method: 'POST', body: 'x'.repeat(3000000)})).json()).body.length"""
    )
    assert length == 3_000_000
    assert site.seen("/echo")[-1].body == b"x" * 3_000_000


@pytest.mark.parametrize("path", ["bytes", "chunked", "until-close"])
@pytest.mark.parametrize("tls", [False, True])
def test_a_large_download_arrives_whole(page: Page, site: Origin, path: str, tls: bool) -> None:
    page.goto(site.tls_url if tls else site.url)
    count = 50_000_000
    got = page.evaluate(f"async () => (await (await fetch('/{path}/{count}')).arrayBuffer()).byteLength")
    assert got == count


def test_a_reader_that_stops_holds_the_origin_back(page: Page, listener: Listener, site: Origin) -> None:
    page.goto(site.url)
    before = listener.proxy.response_bytes
    page.evaluate(
        """async () => {
            window.reader = (await fetch('/bytes/500000000')).body.getReader();
            await window.reader.read();
        }"""
    )
    last = -1
    while last != listener.proxy.response_bytes:
        last = listener.proxy.response_bytes
        time.sleep(0.5)
    assert last - before < 100_000_000
    page.evaluate("() => window.reader.cancel()")


def test_events_reach_the_page_as_they_are_sent(page: Page, site: Origin) -> None:
    page.goto(site.url)
    times = page.evaluate(
        """() => new Promise(done => {
            const times = [], source = new EventSource('/sse?count=6&seconds=0.2');
            source.onmessage = () => {
                times.push(performance.now());
                if (times.length == 5) { source.close(); done(times); }
            };
        })"""
    )
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) > 80, "events came in one heap"


def test_a_browser_looks_to_the_origin_as_if_there_were_no_proxy(page: Page, site: Origin) -> None:
    page.goto(f"{site.url}echo?plain")
    plain = site.seen("/echo")[-1]
    names = [name.lower() for name, _ in plain.headers]
    assert names[:2] == ["host", "connection"]
    assert plain.header("connection") == "keep-alive"
    assert not any(name.startswith("proxy") or name in ("via", "forwarded", "x-forwarded-for") for name in names)


def test_every_byte_is_counted_once(playwright: Playwright) -> None:
    with Origin() as site:
        listener = Listener(f"127.0.0.1:{site.port}")
        try:
            with browsing(listener, playwright) as context:
                page = context.new_page()
                page.goto(site.url)
                page.evaluate("async () => (await fetch('/bytes/3000000')).arrayBuffer()")
                page.evaluate("async () => (await fetch('/echo', {method: 'POST', body: 'x'.repeat(500000)})).json()")
                assert page.evaluate(WEB_SOCKET, f"ws://127.0.0.1:{site.port}/ws") == "hello"
                page.close()
                proxy = listener.proxy
                until(
                    lambda: (proxy.request_bytes, proxy.response_bytes) == (site.received_bytes, site.sent_bytes),
                )
                assert proxy.response_bytes > 3_000_000
                assert proxy.request_bytes > 500_000
                assert proxy.proxied_bytes == 0
        finally:
            listener.close()


@pytest.mark.parametrize("kind", [HttpUpstream, SocksUpstream])
def test_a_browser_leaves_through_its_upstream(kind: type[UpstreamProxy], site: Origin, playwright: Playwright) -> None:
    with kind("user", "secret") as far:
        listener = Listener(f"127.0.0.1:{site.port}", f"127.0.0.1:{site.tls_port}")
        try:
            with pytest.raises(UpstreamRefused, match="refused the credentials"):
                listener.run(listener.proxy.use_upstream(Upstream(far.server, "user", "wrong", from_pool=True)))
            listener.run(listener.proxy.use_upstream(Upstream(far.server, "user", "secret", from_pool=True)))
            listener.names.script("site.example", ["127.0.0.1"])
            with browsing(listener, playwright) as context:
                page = context.new_page()
                for scheme, port in (("http", site.port), ("https", site.tls_port)):
                    assert page.goto(f"{scheme}://site.example:{port}/bytes-of/{kind.scheme}") is not None
                    assert page.title() == "Origin"
                    socket_scheme = "wss" if scheme == "https" else "ws"
                    assert page.evaluate(WEB_SOCKET, f"{socket_scheme}://site.example:{port}/ws") == "hello"
                answer = page.goto("http://10.0.0.1/")
                assert answer is not None
                assert answer.status == 403
                page.close()
                proxy = listener.proxy
                until(lambda: (proxy.request_bytes, proxy.response_bytes) == (far.received_bytes, far.sent_bytes))
                assert proxy.proxied_bytes == proxy.request_bytes + proxy.response_bytes > 0
            named = {target for target in far.targets if not target.startswith("example.com:")}
            assert named == {f"127.0.0.1:{site.port}", f"127.0.0.1:{site.tls_port}"}
        finally:
            listener.close()
