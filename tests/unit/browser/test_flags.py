"""The command line of one browser."""

from pathlib import Path

import pytest

from noctule.browser import flags
from noctule.browser.chrome_args import FEATURE_LISTS

PROFILE = Path("/somewhere/profile")


def test_every_byte_is_sent_to_the_proxy() -> None:
    arguments = flags.build(profile=PROFILE, proxy_port=4321)
    assert "--proxy-server=http://127.0.0.1:4321" in arguments
    assert "--proxy-bypass-list=<-loopback>" in arguments
    assert "--disable-quic" in arguments
    assert "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1" in arguments
    assert "--webrtc-ip-handling-policy=disable_non_proxied_udp" in arguments
    assert "--force-webrtc-ip-handling-policy=disable_non_proxied_udp" in arguments


def test_one_blank_page_is_opened_in_the_given_profile() -> None:
    arguments = flags.build(profile=PROFILE, proxy_port=1)
    assert f"--user-data-dir={PROFILE}" in arguments
    assert "--remote-debugging-port=0" in arguments
    assert "--window-size=1280,1080" in arguments
    assert arguments[-1] == "about:blank"
    assert [argument for argument in arguments if not argument.startswith("--")] == ["about:blank"]


def test_the_sandbox_is_on_unless_it_cannot_be() -> None:
    assert not [argument for argument in flags.build(profile=PROFILE, proxy_port=1) if "sandbox" in argument]
    assert "--no-sandbox" in flags.build(profile=PROFILE, proxy_port=1, sandboxed=False)


def test_shared_memory_is_avoided_only_where_it_is_small() -> None:
    assert "--disable-dev-shm-usage" not in flags.build(profile=PROFILE, proxy_port=1)
    assert "--disable-dev-shm-usage" in flags.build(profile=PROFILE, proxy_port=1, small_shared_memory=True)


@pytest.mark.parametrize("name", FEATURE_LISTS)
def test_each_feature_list_appears_at_most_once_and_holds_all(name: str) -> None:
    arguments = flags.build(profile=PROFILE, proxy_port=1, chrome_args=[f"--{name}=Mine", f"--{name}=Other,Mine"])
    lists = [argument for argument in arguments if argument.startswith(f"--{name}=")]
    assert len(lists) == 1
    features = lists[0].partition("=")[2].split(",")
    assert features.count("Mine") == 1
    assert "Other" in features
    if name == "disable-features":
        assert "MediaRouter" in features


def test_a_session_cannot_undo_a_feature_of_ours() -> None:
    arguments = flags.build(profile=PROFILE, proxy_port=1, chrome_args=["--enable-features=MediaRouter,Mine"])
    assert "--enable-features=Mine" in arguments


def test_a_session_overrides_what_is_only_preferred() -> None:
    arguments = flags.build(profile=PROFILE, proxy_port=1, chrome_args=["--window-size=800,600", "--lang=fr"])
    assert arguments.index("--window-size=800,600") > arguments.index("--window-size=1280,1080")
    assert arguments.index("--lang=fr") > arguments.index("--lang=en-US")


def test_what_must_hold_comes_after_what_the_session_asks_for() -> None:
    arguments = flags.build(profile=PROFILE, proxy_port=1, chrome_args=["--headless=old", "--mute-audio"])
    assert arguments.index("--headless") > arguments.index("--headless=old")
    assert arguments.index("--proxy-server=http://127.0.0.1:1") > arguments.index("--headless=old")


def test_a_refused_argument_stops_the_launch() -> None:
    with pytest.raises(ValueError, match="--remote-debugging-pipe"):
        flags.build(profile=PROFILE, proxy_port=1, chrome_args=["--remote-debugging-pipe"])
