"""Filling the form that a page shows from the known keys: who somebody is, where they live, how they pay and sign in.

What must always hold: no value is in a message; a key that found no field is a failure that names it, and says what
was filled.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from noctule.browser.cdp import CdpError
from noctule.browser.commands import Acted, CommandFailed, FormFill
from noctule.browser.driver.acting.fields import FIELD_SCRIPTS, fill_held
from noctule.browser.driver.acting.locating import Spot, every_spot
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab
from noctule.browser.driver.world import is_gone

FORM_SCRIPTS = (*FIELD_SCRIPTS, "forms")

KEYS = (
    "title", "first_name", "middle_name", "last_name", "full_name", "email", "company", "address1", "address2",
    "address3", "city", "state", "postal_code", "country", "phone", "cc_name", "cc_number", "cc_exp_month",
    "cc_exp_year", "cc_exp", "cc_cvv", "username", "current_password", "new_password", "totp",
)  # fmt: skip
"""What a value may be for; ``password`` is another name of ``current_password``."""

_FIRST_HELD = 10
# A field for something may be there only under another key; both ways of a pair that splits or joins.
_SUBSTITUTES: dict[str, tuple[str, ...]] = {
    "cc_exp": ("cc_exp_month", "cc_exp_year"),
    "cc_exp_month": ("cc_exp",),
    "cc_exp_year": ("cc_exp",),
    "full_name": ("first_name", "last_name"),
    "first_name": ("full_name",),
    "last_name": ("full_name",),
    "username": ("email",),
    "email": ("username",),
    "current_password": ("new_password",),
}


@dataclass(frozen=True, slots=True)
class _Match:
    """A field that belongs to a key."""

    spot: Spot
    field: dict[str, Any]

    @property
    def key(self) -> str:
        return str(self.field["key"])


async def fill_form(tab: Tab, command: FormFill) -> Acted:
    """Fill every field that one of the keys is for. Raises ``CommandFailed``, ``CdpError``."""
    values = _checked(command.values)
    deadline = Deadline(command.timeout_seconds)
    spots = await every_spot(tab, deadline)
    matches = await _match(spots, tuple(values), deadline)
    missing = [key for key in values if key not in {match.key for match in matches}]
    substitutes = {other for key in missing for other in _SUBSTITUTES.get(key, ())} - set(values)
    if substitutes:
        # Fields that are taken stay taken, since the same ones are found again for the same keys.
        matches = await _match(spots, (*values, *sorted(substitutes)), deadline)
    filled: set[str] = set()
    refused: list[str] = []
    # Choosing a country often draws the rest of an address anew.
    for match in sorted(matches, key=lambda match: match.key != "country"):
        value = value_for(match.key, values, match.field)
        if value is None:
            continue
        if await _fill(tab, match, value, deadline):
            filled.add(match.key)
        else:
            refused.append(match.key)
    return _told(values, filled, refused)


def value_for(key: str, values: Mapping[str, str], field: Mapping[str, Any]) -> str | None:
    """What belongs into a field: the key's own value, or one that is split off or put together from others."""
    value = values.get(key)
    if value is None:
        value = _derived(key, values)
    if value is None:
        return None
    if key == "cc_exp":
        return _expiry(value, field)
    if key == "cc_exp_year" and not field.get("isSelect") and field.get("limit") == 2:
        return value[-2:]
    if key in ("totp", "phone") and field["parts"] > 1:
        return _part(value, field)
    return value


def _derived(key: str, values: Mapping[str, str]) -> str | None:
    expiry = _month_and_year(values.get("cc_exp", ""))
    match key:
        case "cc_exp_month" if expiry:
            return expiry[0]
        case "cc_exp_year" if expiry:
            return expiry[1]
        case "cc_exp" if "cc_exp_month" in values and "cc_exp_year" in values:
            return f"{values['cc_exp_month'].zfill(2)}/{values['cc_exp_year'][-2:]}"
        case "first_name" if "full_name" in values:
            return values["full_name"].rpartition(" ")[0] or values["full_name"]
        case "last_name" if "full_name" in values:
            return values["full_name"].rpartition(" ")[2]
        case "full_name" if "first_name" in values or "last_name" in values:
            names = (values.get(name, "") for name in ("first_name", "middle_name", "last_name"))
            return " ".join(name for name in names if name)
        case "email":
            return values.get("username")
        case "username":
            return values.get("email")
        case "new_password":
            return values.get("current_password")
    return None


def _month_and_year(expiry: str) -> tuple[str, str] | None:
    found = re.fullmatch(r"\s*(\d{1,2})\s*[/. -]?\s*(\d{4}|\d{2})\s*", expiry)
    if found is None:
        found = re.fullmatch(r"\s*(?P<year>\d{4})-(?P<month>\d{1,2})\s*", expiry)
        return (found["month"].zfill(2), found["year"]) if found else None
    year = found[2] if len(found[2]) == 4 else f"20{found[2]}"
    return found[1].zfill(2), year


def _expiry(value: str, field: Mapping[str, Any]) -> str:
    """An expiry date in the form that the field asks for."""
    parts = _month_and_year(value)
    if parts is None:
        return value
    month, year = parts
    if field.get("isMonth"):
        return f"{year}-{month}"
    if field.get("limit") == 4:
        return f"{month}{year[-2:]}"
    return f"{month}/{year}" if field.get("wantsLongYear") else f"{month}/{year[-2:]}"


def _part(value: str, field: Mapping[str, Any]) -> str:
    """The share of one of several fields that hold a number together."""
    digits = re.sub(r"\D", "", value)
    size = field["limit"] or 1
    begin = field["part"] * size
    return digits[begin:] if field["part"] == field["parts"] - 1 else digits[begin : begin + size]


def _checked(pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in pairs:
        key = "current_password" if name == "password" else name
        if key not in KEYS:
            raise CommandFailed("InvalidActionError", f"Unknown key {name[:40]!r}; known are: {', '.join(KEYS)}")
        if value:
            values[key] = value
    if not values:
        raise CommandFailed("InvalidActionError", "There is nothing to fill in: give at least one key with a value")
    return values


async def _match(spots: tuple[Spot, ...], keys: tuple[str, ...], deadline: Deadline) -> list[_Match]:
    """The fields of all frames; those of the frame that knows most keys win over the others."""
    found: list[list[_Match]] = []
    for spot in spots:
        try:
            fields = await spot.run("acting.matchFields", keys, _FIRST_HELD, deadline=deadline, scripts=FORM_SCRIPTS)
        except CdpError as error:
            if not is_gone(error):
                raise
            continue
        found.append([_Match(spot, field) for field in fields])
    matches: list[_Match] = []
    for group in sorted(found, key=lambda group: -len({match.key for match in group})):
        taken = {match.key for match in matches}
        matches += [match for match in group if match.key not in taken]
    return matches


async def _fill(tab: Tab, match: _Match, value: str, deadline: Deadline) -> bool:
    number = match.field["number"]
    if not match.field["isSelect"]:
        try:
            await fill_held(tab, match.spot, number, value, deadline)
        except CommandFailed:
            return False
        return True
    words = await match.spot.run("acting.otherWords", match.key, value, deadline=deadline, scripts=FORM_SCRIPTS)
    chosen: bool = await match.spot.run("acting.chooseHeld", number, words, deadline=deadline, scripts=FORM_SCRIPTS)
    return chosen


def _told(values: Mapping[str, str], filled: set[str], refused: list[str]) -> Acted:
    served = {key for key in values if key in filled or _is_served(key, filled)}
    rejected = [key for key in values if key not in served and key in refused]
    missing = [key for key in values if key not in served and key not in rejected]
    done = ", ".join(key for key in values if key in served)
    if not missing and not rejected:
        return Acted(f"Filled the form: {done}.")
    problems = []
    if missing:
        problems.append(f"No field was found for: {', '.join(missing)}")
    if rejected:
        problems.append(f"The value was not taken for: {', '.join(rejected)}")
    problems.append(f"Filled: {done}" if done else "Nothing was filled")
    raise CommandFailed("ActionExecutionError", ". ".join(problems))


def _is_served(key: str, filled: set[str]) -> bool:
    others = _SUBSTITUTES.get(key, ())
    if key in ("first_name", "last_name", "cc_exp_month", "cc_exp_year"):
        return bool(others) and others[0] in filled
    return bool(others) and all(other in filled for other in others)
