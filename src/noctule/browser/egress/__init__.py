"""A browser's way out: policy, pinning, byte counts, upstream proxies. See README.md."""

from noctule.browser.egress.policy import EgressPolicy, EgressRefused, OwnPorts
from noctule.browser.egress.proxy import EgressProxy
from noctule.browser.egress.resolver import ResolveFailed, Resolver, SystemResolver
from noctule.browser.egress.traffic import Refusal

__all__ = [
    "EgressPolicy",
    "EgressProxy",
    "EgressRefused",
    "OwnPorts",
    "Refusal",
    "ResolveFailed",
    "Resolver",
    "SystemResolver",
]
