"""What a browser does not reach, by whatever way it tries."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Error, Page

from tests.e2e.egress.rig import WEB_SOCKET, Listener, until
from tests.support.origin import Origin

pytestmark = pytest.mark.slow

HOSTS = [
    ("127.0.0.1", "loopback-address"),
    ("127.1", "loopback-address"),
    ("2130706433", "loopback-address"),
    ("0x7f000001", "loopback-address"),
    ("0x7f.0.0.1", "loopback-address"),
    ("017700000001", "loopback-address"),
    ("0177.0.0.01", "loopback-address"),
    ("127.0.0.1.", "loopback-address"),
    ("%31%32%37.0.0.1", "loopback-address"),
    ("１２７.0.0.1", "loopback-address"),
    ("127。0。0。1", "loopback-address"),
    ("127.200.0.9", "loopback-address"),
    ("0.0.0.0", "unspecified-address"),
    ("0", "unspecified-address"),
    ("[::]", "unspecified-address"),
    ("[::1]", "loopback-address"),
    ("[0:0:0:0:0:0:0:1]", "loopback-address"),
    ("[::ffff:127.0.0.1]", "loopback-address"),
    ("[::ffff:7f00:1]", "loopback-address"),
    ("[::127.0.0.1]", "embedded-address"),
    ("[64:ff9b::127.0.0.1]", "embedded-address"),
    ("[2002:7f00:1::]", "embedded-address"),
    ("[fe80::1]", "link-local-address"),
    ("[fd00:ec2::254]", "metadata"),
    ("10.0.0.1", "private-address"),
    ("172.20.1.1", "private-address"),
    ("192.168.1.1", "private-address"),
    ("100.64.0.1", "shared-address"),
    ("169.254.169.254", "metadata"),
    ("2852039166", "metadata"),
    ("metadata.google.internal", "metadata"),
    ("224.0.0.1", "multicast-address"),
    ("255.255.255.255", "broadcast-address"),
    ("localhost", "loopback-address"),
    ("LOCALHOST", "loopback-address"),
    ("localhost.", "loopback-address"),
    ("deep.down.localhost", "loopback-address"),
    ("loop.example", "loopback-address"),
    ("loop6.example", "loopback-address"),
    ("mapped.example", "loopback-address"),
    ("private.example", "private-address"),
    ("nat64.example", "embedded-address"),
]


@pytest.mark.parametrize(("host", "rule"), HOSTS)
def test_a_destination_that_is_not_public_is_refused_in_every_notation(
    page: Page, listener: Listener, secret: Origin, host: str, rule: str
) -> None:
    listener.names.script("loop.example", ["127.0.0.1"])
    listener.names.script("loop6.example", ["::1"])
    listener.names.script("mapped.example", ["::ffff:127.0.0.1"])
    listener.names.script("private.example", ["10.1.2.3", "192.168.0.1"])
    listener.names.script("nat64.example", ["64:ff9b::7f00:1"])
    mark = listener.proxy.mark()

    answer = page.goto(f"http://{host}:{secret.port}/")
    assert answer is not None
    assert answer.status == 403
    assert answer.headers["x-noctule-egress"] == f"refused; rule={rule}"
    assert f"'{rule}'" in answer.text()
    with pytest.raises(Error, match="ERR_TUNNEL_CONNECTION_FAILED"):
        page.goto(f"https://{host}:{secret.tls_port}/")
    refused = listener.refused(mark)
    assert {(port, because) for _, port, because in refused} >= {(secret.port, rule), (secret.tls_port, rule)}


def test_an_address_of_this_machines_network_is_refused(page: Page, secret: Origin) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("8.8.8.8", 9))
        except OSError:
            pytest.skip("this machine has no network")
        own = probe.getsockname()[0]
    answer = page.goto(f"http://{own}:{secret.port}/")
    assert answer is not None
    assert answer.status == 403


def test_a_redirect_does_not_lead_around_the_policy(page: Page, site: Origin, secret: Origin) -> None:
    answer = page.goto(f"{site.url}redirect?to={secret.url}")
    assert answer is not None
    assert (answer.status, answer.headers["x-noctule-egress"]) == (403, "refused; rule=loopback-address")
    with pytest.raises(Error, match="ERR_TUNNEL_CONNECTION_FAILED"):
        page.goto(f"{site.url}redirect?to={secret.tls_url}")


def test_a_name_that_rebinds_is_judged_for_each_connection_by_one_look_up(
    page: Page, listener: Listener, site: Origin
) -> None:
    # 127.0.0.1 stands for the public address that the name has while it is judged; a second look-up before the
    # connection would lead to the private one.
    listener.names.script("rebind.example", ["127.0.0.1"], ["10.0.0.1"])
    listener.names.asked.clear()
    site.page("/rebind", "<title>first</title><link rel=icon href=data:,>")
    answer = page.goto(f"http://rebind.example:{site.port}/rebind")
    assert answer is not None
    assert answer.status == 200
    assert listener.names.asked == ["rebind.example"]
    listener.run(listener.proxy.use_upstream(None))  # Ends every connection.
    answer = page.goto(f"http://rebind.example:{site.port}/rebind")
    assert answer is not None
    assert answer.headers["x-noctule-egress"] == "refused; rule=private-address"
    assert listener.names.asked == ["rebind.example"] * 2


ATTEMPTS = {
    "fetch": "await fetch(url, {mode: 'no-cors'}).then(r => r.type, e => 'failed')",
    "post": "await fetch(url, {method: 'POST', mode: 'no-cors', body: 'x'}).then(r => r.type, e => 'failed')",
    "xhr": "await new Promise(done => { const x = new XMLHttpRequest(); x.open('GET', url);"
    " x.onload = () => done(x.responseText); x.onerror = () => done('failed'); x.send(); })",
    "img": "await new Promise(done => { const i = new Image(); i.onload = () => done('loaded');"
    " i.onerror = () => done('failed'); i.src = url; })",
    "script": "await new Promise(done => { const s = document.createElement('script'); s.onload = () => done('loaded');"
    " s.onerror = () => done('failed'); s.src = url; document.head.append(s); })",
    "style": "await new Promise(done => { const s = document.createElement('link'); s.rel = 'stylesheet';"
    " s.onload = () => done('loaded'); s.onerror = () => done('failed'); s.href = url; document.head.append(s); })",
    "iframe": "await new Promise(done => { const f = document.createElement('iframe');"
    " f.onload = () => done('loaded'); f.src = url; document.body.append(f); })",
    "beacon": "navigator.sendBeacon(url, 'x')",
    "events": "await new Promise(done => { const e = new EventSource(url); e.onopen = () => done('open');"
    " e.onerror = () => { e.close(); done('failed'); }; })",
    "worker": "await new Promise(done => { const code = `fetch('${url}', {mode: 'no-cors'}).then("
    "r => postMessage(r.type), e => postMessage('failed'))`;"
    " new Worker(URL.createObjectURL(new Blob([code]))).onmessage = m => done(m.data); })",
    "form": "(() => { const f = document.createElement('form'); f.action = url; f.method = 'post'; f.target = 'there';"
    " const i = document.createElement('iframe'); i.name = 'there'; document.body.append(i, f); f.submit(); })()",
    "preconnect": "(() => { const l = document.createElement('link'); l.rel = 'preconnect'; l.href = url;"
    " document.head.append(l); })()",
    "prefetch": "(() => { const l = document.createElement('link'); l.rel = 'prefetch'; l.href = url;"
    " document.head.append(l); })()",
}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", ATTEMPTS)
def test_page_script_reaches_nothing_that_is_refused(
    page: Page, listener: Listener, site: Origin, secret: Origin, name: str, scheme: str
) -> None:
    page.goto(site.url)
    mark = listener.proxy.mark()
    port = secret.tls_port if scheme == "https" else secret.port
    result = page.evaluate(f"async url => {{ return {ATTEMPTS[name]} }}", f"{scheme}://127.0.0.1:{port}/x")
    assert result != "open"
    if name == "preconnect":
        time.sleep(0.3)  # Chromium may leave it; then there is nothing to see but that nothing came.
    else:
        until(lambda: ("127.0.0.1", port, "loopback-address") in listener.refused(mark))


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_web_socket_to_a_refused_destination_fails(
    page: Page, listener: Listener, site: Origin, secret: Origin, scheme: str
) -> None:
    page.goto(site.url)
    mark = listener.proxy.mark()
    port = secret.port if scheme == "ws" else secret.tls_port
    assert page.evaluate(WEB_SOCKET, f"{scheme}://localhost:{port}/ws") == "failed"
    assert listener.refused(mark) == [("localhost", port, "loopback-address")]


def test_a_service_worker_is_no_way_around(page: Page, listener: Listener, site: Origin, secret: Origin) -> None:
    site.page("/sw/page", "<title>page</title>")
    site.page(
        "/sw/worker.js",
        f"""addEventListener('install', () => skipWaiting());
        addEventListener('activate', event => event.waitUntil(clients.claim()));
        addEventListener('fetch', event => {{
            if (event.request.url.includes('/sw/through')) {{
                event.respondWith(fetch('{secret.url}sw', {{mode: 'no-cors'}}).then(
                    () => fetch('{secret.tls_url}sw', {{mode: 'no-cors'}})).then(
                    () => new Response('reached'), () => new Response('failed')));
            }}
        }});""",
        "text/javascript",
    )
    page.goto(f"{site.url}sw/page")
    mark = listener.proxy.mark()
    result = page.evaluate(
        """async () => {
            await navigator.serviceWorker.register('/sw/worker.js');
            await navigator.serviceWorker.ready;
            if (!navigator.serviceWorker.controller) {
                await new Promise(done => navigator.serviceWorker.oncontrollerchange = done);
            }
            return await (await fetch('/sw/through')).text();
        }"""
    )
    assert result == "failed"
    assert [port for _, port, _ in listener.refused(mark)] == [secret.port, secret.tls_port]


@contextmanager
def _udp() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.setblocking(False)
        yield ear


def _heard(ear: socket.socket) -> bytes | None:
    try:
        return ear.recv(2048)
    except BlockingIOError:
        return None


def test_web_rtc_sends_no_datagram_and_tells_no_address(page: Page, site: Origin) -> None:
    page.goto(site.url)
    with _udp() as ear:
        candidates = page.evaluate(
            """async port => {
                const peer = new RTCPeerConnection({iceServers: [
                    {urls: `stun:127.0.0.1:${port}`},
                    {urls: `turn:127.0.0.1:${port}?transport=udp`, username: 'a', credential: 'b'},
                ]});
                const found = [];
                peer.onicecandidate = event => event.candidate && found.push(event.candidate.candidate);
                peer.createDataChannel('x');
                await peer.setLocalDescription(await peer.createOffer());
                await new Promise(done => setTimeout(done, 2500));
                return found;
            }""",
            ear.getsockname()[1],
        )
        assert _heard(ear) is None
    assert [candidate for candidate in candidates if " udp " in candidate.lower()] == []


def test_web_rtc_over_tcp_goes_through_the_policy(page: Page, site: Origin, secret: Origin) -> None:
    page.goto(site.url)
    page.evaluate(
        """async port => {
            const peer = new RTCPeerConnection({iceServers: [
                {urls: `turn:127.0.0.1:${port}?transport=tcp`, username: 'a', credential: 'b'},
            ]});
            peer.createDataChannel('x');
            await peer.setLocalDescription(await peer.createOffer());
            await new Promise(done => setTimeout(done, 1500));
        }""",
        secret.port,
    )
    assert secret.connections == 0


def test_web_transport_sends_no_datagram(page: Page, site: Origin) -> None:
    page.goto(site.url)
    with _udp() as ear:
        page.evaluate(
            """async port => {
                try { await Promise.race([
                    new WebTransport(`https://127.0.0.1:${port}/`).ready,
                    new Promise(done => setTimeout(done, 1500)),
                ]); } catch (error) { return String(error); }
            }""",
            ear.getsockname()[1],
        )
        assert _heard(ear) is None
