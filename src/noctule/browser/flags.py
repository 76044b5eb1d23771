"""The command line of one browser.

Three layers, and Chromium takes the last of two that say the same: what we prefer, what the session asks
for, what must hold. Feature lists are the exception: only the last list of a kind counts, so all of them are
merged into one.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from noctule.browser.chrome_args import FEATURE_LISTS, judge
from noctule.browser.commands import DEFAULT_VIEWPORT

_CACHE_BYTES = 64 * 1024 * 1024

_PREFERRED = (
    f"--window-size={DEFAULT_VIEWPORT.width},{DEFAULT_VIEWPORT.height}",
    "--lang=en-US",
    f"--disk-cache-size={_CACHE_BYTES}",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--mute-audio",
    "--disable-gpu",
    # A page that nobody looks at must run as if it were in front.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-back-forward-cache",
    "--disable-hang-monitor",
    "--disable-ipc-flooding-protection",
    "--disable-popup-blocking",
    "--disable-prompt-on-repost",
    "--noerrdialogs",
)

_REQUIRED = (
    "--headless",
    "--remote-debugging-port=0",
    # Without this entry Chromium would go straight to loopback addresses.
    "--proxy-bypass-list=<-loopback>",
    "--disable-quic",
    # Chromium and its headless shell have each their own name for this.
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--no-service-autorun",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-field-trial-config",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    # What no script of a page caught is read from there.
    "--enable-logging=stderr",
    "--metrics-recording-only",
    "--password-store=basic",
    "--use-mock-keychain",
)

_FEATURES = {
    "disable-features": (
        "CertificateTransparencyComponentUpdater",
        "DestroyProfileOnBrowserClose",
        "DialMediaRouteProvider",
        "GlobalMediaControls",
        "HttpsUpgrades",
        "InterestFeedContentSuggestions",
        "LensOverlay",
        "MediaRouter",
        "OptimizationHints",
        "PaintHolding",
        # Parts of a window that nobody sees, each with a renderer of its own.
        "PreloadTopChromeWebUI",
        "Translate",
        "WebUIOmniboxAimPopup",
        "WebUIOmniboxPopup",
    ),
}
_OPPOSITE = {
    "enable-features": "disable-features",
    "disable-features": "enable-features",
    "enable-blink-features": "disable-blink-features",
    "disable-blink-features": "enable-blink-features",
}


def build(
    *,
    profile: Path,
    proxy_port: int,
    chrome_args: Sequence[str] = (),
    sandboxed: bool = True,
    small_shared_memory: bool = False,
) -> list[str]:
    """The arguments of one launch, without the program; the last is the first page, ``about:blank``.

    ``small_shared_memory`` keeps Chromium's shared memory out of a ``/dev/shm`` that is too small for it.
    Raises ``ValueError`` for an argument that a session may not set.
    """
    asked = judge(chrome_args)
    lists = {name: _merged(name, asked.features) for name in FEATURE_LISTS}
    return [
        *_PREFERRED,
        *asked.plain,
        *(f"--{name}={','.join(names)}" for name, names in lists.items() if names),
        *_REQUIRED,
        f"--proxy-server=http://127.0.0.1:{proxy_port}",
        f"--user-data-dir={profile}",
        *([] if sandboxed else ["--no-sandbox"]),
        *(["--disable-dev-shm-usage"] if small_shared_memory else []),
        "about:blank",
    ]


def _merged(name: str, asked: dict[str, tuple[str, ...]]) -> list[str]:
    """Ours, then the session's without those that would undo one of ours."""
    undone = set(_FEATURES.get(_OPPOSITE[name], ()))
    return list(dict.fromkeys(_all(_FEATURES.get(name, ()), (f for f in asked.get(name, ()) if f not in undone))))


def _all(*parts: Iterable[str]) -> list[str]:
    return [item for part in parts for item in part]
