"""User agents and the client hints that go with them."""

from noctule.browser.driver.identity import default_user_agent, identity

PRODUCT = "HeadlessChrome/156.0.8078.79"
ENGINE = "AppleWebKit/537.36 (KHTML, like Gecko)"


def test_the_default_is_the_reduced_user_agent_of_full_chromium() -> None:
    assert default_user_agent(PRODUCT) == (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
    )


def test_hints_of_the_same_version_carry_the_full_version_and_no_headless() -> None:
    override = identity(default_user_agent(PRODUCT), PRODUCT).override
    assert "Headless" not in str(override)
    assert override["platform"] == "Linux x86_64"
    assert override["userAgentMetadata"]["fullVersion"] == "156.0.8078.79"
    assert override["userAgentMetadata"]["platform"] == "Linux"


def test_hints_follow_a_foreign_platform_and_version() -> None:
    windows = default_user_agent("Chrome/140").replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64")
    override = identity(windows, PRODUCT).override
    assert override["platform"] == "Win32"
    assert override["userAgentMetadata"]["platform"] == "Windows"
    assert {"brand": "Chromium", "version": "140"} in override["userAgentMetadata"]["brands"]
    assert override["userAgentMetadata"]["fullVersion"] == "140.0.0.0"
    assert override["userAgentMetadata"]["mobile"] is False


def test_a_phone_is_mobile() -> None:
    phone = f"Mozilla/5.0 (Linux; Android 10; K) {ENGINE} Chrome/140.0.0.0 Mobile Safari/537.36"
    override = identity(phone, PRODUCT).override
    assert override["userAgentMetadata"]["mobile"] is True
    assert override["userAgentMetadata"]["platform"] == "Android"


def test_a_user_agent_of_another_browser_has_no_hints() -> None:
    assert (
        "userAgentMetadata" not in identity("Mozilla/5.0 (X11; Linux) Gecko/20100101 Firefox/140.0", PRODUCT).override
    )
    assert identity("curl/8", PRODUCT).override == {"userAgent": "curl/8"}
