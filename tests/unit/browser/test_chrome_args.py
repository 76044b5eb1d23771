"""What a session may put on Chromium's command line."""

import pytest

from noctule.browser.chrome_args import COUNT_LIMIT, LENGTH_LIMIT, judge

ACCEPTED = [
    "--allow-insecure-localhost",
    "--allow-running-insecure-content",
    "--autoplay-policy=no-user-gesture-required",
    "--blink-settings=imagesEnabled=false",
    "--deny-permission-prompts",
    "--disable-background-timer-throttling",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-infobars",
    "--disable-notifications",
    "--disable-popup-blocking",
    "--disable-site-isolation-trials",
    "--disable-web-security",
    "--enable-automation",
    "--enable-experimental-web-platform-features",
    "--font-render-hinting=none",
    "--force-dark-mode",
    "--force-device-scale-factor=2",
    "--headless=new",
    "--hide-scrollbars",
    "--ignore-certificate-errors",
    "--ignore-certificate-errors-spki-list=Zm9v/+8=,YmFy=",
    "--ignore-gpu-blocklist",
    "--incognito",
    "--js-flags=--expose-gc --max-old-space-size=512",
    "--lang=de-DE",
    "--log-level=3",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--password-store=basic",
    "--start-maximized",
    "--test-type",
    "--unsafely-treat-insecure-origin-as-secure=http://localhost:3000",
    "--use-fake-device-for-media-stream",
    "--use-gl=swiftshader",
    "--user-agent=Mozilla/5.0 (X11; Linux x86_64) Gecko",
    "--window-position=0,0",
    "--window-size=1920,1080",
]

REFUSED = [
    "--allow-file-access",
    "--allow-file-access-from-files",
    "--allow-sandbox-debugging",
    "--app=https://example.com",
    "--auth-server-allowlist=*",
    "--browser-subprocess-path=evil",
    "--crash-dumps-dir=x",
    "--custom-devtools-frontend=x",
    "--data-path=x",
    "--disable-extensions-except=x",
    "--disable-gpu-sandbox",
    "--disable-namespace-sandbox",
    "--disable-seccomp-filter-sandbox",
    "--disable-setuid-sandbox",
    "--disk-cache-dir=x",
    "--dump-dom",
    "--enable-benchmarking",
    "--enable-crash-reporter",
    "--enable-gpu-benchmarking",
    "--enable-logging=stderr",
    "--enable-quic",
    "--force-fieldtrials=A/B",
    "--force-webrtc-ip-handling-policy=default",
    "--gpu-launcher=xterm",
    "--gssapi-library-name=evil.so",
    "--homedir=x",
    "--homepage=file:///etc/passwd",
    "--host-resolver-rules=MAP * 127.0.0.1",
    "--host-rules=MAP a b",
    "--in-process-gpu",
    "--install-chrome-app=x",
    "--js-flags=--logfile=x --prof",
    "--kiosk-printing",
    "--load-apps=x",
    "--load-extension=x",
    "--log-file=x",
    "--log-net-log=x",
    "--make-something=/etc/passwd",
    "--native-messaging-connect-host=x",
    "--no-proxy-server",
    "--no-sandbox",
    "--no-startup-window",
    "--no-zygote",
    "--no-zygote-sandbox",
    "--origin-to-force-quic-on=a:443",
    "--pack-extension=x",
    "--password-store=gnome-libsecret",
    "--print-to-pdf",
    "--profile-directory=x",
    "--proxy-auto-detect",
    "--proxy-bypass-list=*",
    "--proxy-pac-url=x",
    "--proxy-server=direct",
    "--remote-allow-origins=*",
    "--remote-debugging-address=0.0.0.0",
    "--remote-debugging-io-pipes=1,2",
    "--remote-debugging-pipe",
    "--remote-debugging-port=9222",
    "--renderer-cmd-prefix=xterm",
    "--repl",
    "--screenshot",
    "--single-process",
    "--ssl-key-log-file=x",
    "--testing-fixed-http-port=80",
    "--trace-startup",
    "--trace-startup-file=x",
    "--type=renderer",
    "--use-file-for-fake-audio-capture=x",
    "--use-file-for-fake-video-capture=x",
    "--user-data-dir=x",
    "--utility-cmd-prefix=xterm",
    "--variations-seed-path=x",
    "--version",
    "--webrtc-ip-handling-policy=default",
    "--zygote-cmd-prefix=xterm",
]

NOT_YET_INVENTED = [
    "--ai-model-dir=x",
    "--agent-socket=x",
    "--capture-gadget=../../x",
    "--fetch-gadget=http://10.0.0.1",
    "--gadget-launcher=x",
    "--gadget-log-everything",
    "--keep-gadget=~",
    "--new-gadget-listen-port=1",
    "--relax-renderer-sandbox",
]

MALFORMED = ["", "--", "-no-sandbox", "about:blank", "no-sandbox", "--=x", "--UPPER_CASE", "-- no-sandbox", "---type=x"]


@pytest.mark.parametrize("argument", ACCEPTED)
def test_what_people_usually_bring_along_passes_unchanged(argument: str) -> None:
    assert judge([argument]).plain == (argument,)


@pytest.mark.parametrize("argument", REFUSED + NOT_YET_INVENTED)
def test_a_dangerous_argument_is_refused_by_name(argument: str) -> None:
    with pytest.raises(ValueError) as refusal:
        judge(["--mute-audio", argument])
    assert argument.partition("=")[0] in str(refusal.value)


@pytest.mark.parametrize("argument", ["--No-Sandbox", "--REMOTE-DEBUGGING-PORT=1", "--Type=gpu"])
def test_capitals_are_no_way_around(argument: str) -> None:
    with pytest.raises(ValueError):
        judge([argument])


@pytest.mark.parametrize("argument", [*MALFORMED, "--mute-audio=" + "a" * LENGTH_LIMIT])
def test_what_is_no_argument_is_refused(argument: str) -> None:
    with pytest.raises(ValueError):
        judge([argument])


@pytest.mark.parametrize("value", ["a\nb", "a\0b", "\x7f"])
def test_control_characters_are_refused(value: str) -> None:
    with pytest.raises(ValueError):
        judge([f"--window-name={value}"])


def test_too_many_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=str(COUNT_LIMIT)):
        judge(["--mute-audio"] * (COUNT_LIMIT + 1))


def test_feature_lists_are_collected_and_not_passed_on_as_they_are() -> None:
    judged = judge(["--disable-features=A,B", "--disable-features=C, D", "--enable-blink-features=E", "--mute-audio"])
    assert judged.plain == ("--mute-audio",)
    assert judged.features == {"disable-features": ("A", "B", "C", "D"), "enable-blink-features": ("E",)}


@pytest.mark.parametrize(
    "argument",
    [
        "--disable-features=NetworkServiceSandbox",
        "--enable-blink-features=MojoJS",
        "--enable-features=DnsOverHttps",
        "--enable-features=Feature<Trial:path/x",
        "--enable-features=WebRtcAllowInputVolumeAdjustment",
    ],
)
def test_features_of_isolation_and_egress_are_refused(argument: str) -> None:
    with pytest.raises(ValueError, match="features"):
        judge([argument])
