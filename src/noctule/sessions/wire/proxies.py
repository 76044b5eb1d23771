"""Proxies in the body of a start: three kinds of items, and what they mean."""

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema, field_validator

from noctule.kit.errors import InvalidRequest
from noctule.kit.text import plain_text
from noctule.kit.tolerance import TolerantRequest
from noctule.sessions.domain import ProxyChoice

# The countries that the contract's proxies know: ISO 3166-1 alpha-2, lower case.
_CODES = """
    ad ae af ag ai al am ao ar at au aw az ba bb bd be bf bg bh bi bj bm bn bo bq br bs bt bw by bz ca cd cg ch ci
    cl cm cn co cr cu cv cw cy cz de dj dk dm do dz ec ee eg es et fi fj fr ga gb gd ge gf gg gh gi gm gn gp gq gr
    gt gu gw gy hk hn hr ht hu id ie il im in iq ir is it je jm jo jp ke kg kh kn kr kw ky kz la lb lc lk lr ls lt
    lu lv ly ma md me mf mg mk ml mm mn mo mq mr mt mu mv mw mx my mz na nc ne ng ni nl no np nz om pa pe pf pg ph
    pk pl pr ps pt py qa re ro rs ru rw sa sc sd se sg si sk sl sm sn so sr ss st sv sx sy sz tc tg th tj tm tn tr
    tt tw tz ua ug us uy uz vc ve vg vi vn ye za zm zw
"""
COUNTRIES = tuple(_CODES.split())


def _known_country(value: str) -> str:
    country = value.strip().lower()
    if country not in COUNTRIES:
        raise ValueError(f"'{value}' is not a two-letter country code (ISO 3166) that proxies know; 'us' is one, say")
    return country


Country = Annotated[str, AfterValidator(_known_country), WithJsonSchema({"type": "string", "enum": sorted(COUNTRIES)})]


class NotteProxy(TolerantRequest):
    """The operator's own pool of proxies, by country or by the id of one of them."""

    # Pools know countries, no cities.
    ignored_names: ClassVar[frozenset[str]] = frozenset({"city"})

    type: Literal["notte"] = "notte"
    id: str | None = None
    country: Country | None = None


class ExternalProxy(TolerantRequest):
    """A proxy of the caller's own. ``bypass`` lists hosts, comma-separated, that are reached without it."""

    type: Literal["external"] = "external"
    # Credentials may stand in the address.
    server: str = Field(repr=False)
    username: str | None = None
    password: str | None = Field(default=None, repr=False)
    bypass: str | None = None

    @field_validator("server")
    @classmethod
    def _server(cls, value: str) -> str:
        _proxy_address(value)
        return value


class TailnetProxy(TolerantRequest):
    """An exit node of a Tailscale network."""

    ignored_names: ClassVar[frozenset[str]] = frozenset({"exit_node"})

    type: Literal["tailnet"] = "tailnet"
    oauth_client_id: str
    oauth_client_secret: str | None = Field(default=None, repr=False)


ProxyItem = Annotated[NotteProxy | ExternalProxy | TailnetProxy, Field(discriminator="type")]


def _proxies_kind(value: Any) -> str:
    return "list" if isinstance(value, list) else "bool"


def publish_any_of(schema: dict[str, Any]) -> None:
    schema["anyOf"] = schema.pop("oneOf")


# Told apart by hand, so that a mistake in a list is not reported as "not a boolean" as well.
Proxies = Annotated[
    Annotated[list[ProxyItem], Tag("list")] | Annotated[bool, Tag("bool")], Discriminator(_proxies_kind)
]


def as_items(value: Any) -> Any:
    """What stands for ``proxies``, as a boolean or a list of items with their ``type``."""
    if isinstance(value, str):
        # The two letters of a country mean a proxy there, Norway's "no" among them.
        if len(value) == 2 and value.isalpha():
            return [{"type": "notte", "country": value}]
        if value.lower() not in ("true", "false"):
            raise ValueError("give true, false, a two-letter country, or a list with one proxy")
    if isinstance(value, list):
        if len(value) > 1:
            raise ValueError("more than one proxy is not supported; give one")
        return [_typed(item) for item in value]
    return value


def _typed(item: Any) -> Any:
    """A proxy with its ``type``, which sparse bodies leave out, and with the country of older bodies."""
    if not isinstance(item, Mapping):
        return item
    typed = dict(item)
    if typed.get("type") is None:
        typed["type"] = "external" if "server" in typed else "tailnet" if "oauth_client_id" in typed else "notte"
    location = typed.get("geolocation")
    if typed["type"] == "notte" and (location is None or isinstance(location, Mapping)):
        typed.pop("geolocation", None)
        if location is not None and typed.get("country") is None:
            typed["country"] = location.get("country")
    return typed


def proxy_choice(proxies: list[ProxyItem] | bool) -> ProxyChoice:
    match proxies:
        case True:
            return ProxyChoice("pool")
        case [NotteProxy(id=pool_id, country=country)]:
            return ProxyChoice("pool", country=country, pool_id=pool_id)
        case [ExternalProxy() as external]:
            server, username, password = _proxy_address(external.server)
            return ProxyChoice(
                "external",
                server=server,
                username=external.username or username,
                password=external.password or password,
                bypass=tuple(host.strip() for host in (external.bypass or "").split(",") if host.strip()),
            )
        case [TailnetProxy()]:
            raise InvalidRequest.at(
                ("body", "proxies"),
                "this server has no tailnet support; use a 'notte' or an 'external' proxy",
                "tailnet",
            )
        case _:
            return ProxyChoice("none")


def _proxy_address(server: str) -> tuple[str, str | None, str | None]:
    """``scheme://host:port`` with credentials that stood in the address; no scheme means HTTP."""
    text = plain_text(server.strip())
    shape = "a proxy server is http://host:port or socks5://host:port"
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(shape) from error
    scheme = {"http": "http", "socks5": "socks5", "socks5h": "socks5"}.get(parts.scheme)
    if (
        scheme is None
        or not host
        or " " in host
        or port == 0
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
    ):
        raise ValueError(shape)
    shown = f"[{host}]" if _is_ipv6(host) else host
    username = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return f"{scheme}://{shown}:{port or (1080 if scheme == 'socks5' else 80)}", username, password


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
