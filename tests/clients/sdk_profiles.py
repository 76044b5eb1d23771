"""Profiles through the official SDK, unmodified: log in once, come back logged in.

Usage: ``python sdk_profiles.py SITE_URL`` in an environment that has only the SDK, with ``NOTTE_API_URL`` and
``NOTTE_API_KEY`` set. Prints one JSON object on standard output. The page must have ``signIn`` and ``tell``
(``tests/site/login``).
"""

import json
import sys
from importlib.metadata import version

from notte_sdk import NotteClient
from notte_sdk.errors import NotteAPIError


def main(site_url: str) -> dict[str, object]:
    result: dict[str, object] = {"sdk": version("notte-sdk")}
    client = NotteClient()
    profile = client.profiles.create(name="of the SDK")
    result["created"] = [profile.profile_id, profile.name, profile.persisted_domains]
    with client.Session(profile={"id": profile.profile_id, "persist": True}) as session:
        session.execute(type="goto", url=site_url)
        result["signed_in"] = session.execute(type="evaluate_js", code="signIn('Ada')").data.markdown
        if hasattr(session, "save_profile"):
            saved = session.save_profile(name="in between")
            result["saved"] = [saved.name, saved.persisted_domains]
    with client.Session(profile={"id": profile.profile_id}) as session:
        session.execute(type="goto", url=site_url)
        result["told"] = json.loads(session.execute(type="evaluate_js", code="tell()").data.markdown)
    result["domains"] = client.profiles.get(profile.profile_id).persisted_domains
    result["listed"] = profile.profile_id in [each.profile_id for each in client.profiles.list(name="of the SDK")]
    result["listed_otherwise"] = len(client.profiles.list(name="of nobody"))
    if hasattr(client.profiles, "duplicate"):
        copy = client.profiles.duplicate(profile.profile_id, name="copy")
        cookies = client.profiles.cookies_get(copy.profile_id).cookies
        result["copied"] = sorted(cookie.name for cookie in cookies)
    result["deleted"] = client.profiles.delete(profile.profile_id)
    for name, profile_id in (("gone", profile.profile_id), ("unknown", "notte-profile-0000000000000000")):
        try:
            client.profiles.get(profile_id)
        except NotteAPIError as error:
            result[name] = error.error.get("status")
    return result


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
