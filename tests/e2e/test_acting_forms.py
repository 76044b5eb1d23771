"""The fields of a form are found by what they say about themselves, and filled with what belongs into them."""

from pathlib import Path

import pytest

from noctule.browser.commands import Fill, FormFill
from tests.e2e.acting_stage import Stage, on, staged

pytestmark = pytest.mark.slow

_VALUES = "Object.fromEntries([...document.querySelectorAll('input, select')].map(one => [one.id, one.value]))"
_PERSON = {
    "title": "Dr",
    "first_name": "Ada",
    "middle_name": "K",
    "last_name": "Lovelace",
    "full_name": "Ada K Lovelace",
    "email": "ada@example.org",
    "company": "Engines",
    "phone": "+44 20 1234",
    "address1": "1 Main Street",
    "address2": "Apt 2",
    "address3": "Ring twice",
    "city": "London",
    "state": "LDN",
    "postal_code": "N1",
    "country": "United Kingdom",
    "cc_name": "A Lovelace",
    "cc_number": "4111111111111111",
    "cc_exp_month": "5",
    "cc_exp_year": "29",
    "cc_exp": "05/29",
    "cc_cvv": "123",
}


def _fill(**values: str) -> FormFill:
    return FormFill(tuple(values.items()))


def test_a_checkout_is_filled_as_a_whole(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("form.html")
        acted = await stage.act(_fill(**_PERSON))
        values = await stage.value(_VALUES)
        assert values["cc-month"] == "05"
        assert (values["country"], values["cc-year"], values["cc-exp"]) == ("GB", "2029", "05/29")
        assert (values["first"], values["postal"], values["cc-cvv"]) == ("Ada", "N1", "123")
        # Other forms of the page, which know fewer of the keys, stay empty.
        assert [values[name] for name in ("by-cell-first", "signup-email", "de-first", "query")] == [""] * 4
        assert not any(value in acted.message for value in _PERSON.values() if len(value) > 2)

    staged(tmp_path, act)


def test_signing_in_and_up_are_told_apart(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("form.html")
        await stage.act(_fill(username="ada", password="old"))
        await stage.act(_fill(email="a@b.c", new_password="new"))
        values = await stage.value(_VALUES)
        names = ("username", "password", "signup-email", "new-password", "repeat-password")
        assert [values[name] for name in names] == ["ada", "old", "a@b.c", "new", "new"]

    staged(tmp_path, act)


_GERMAN = """<form><label>Vorname<input id=a></label><label>Nachname<input id=b></label><label>PLZ<input id=c></label>
<label>Ort<input id=d></label><label>Land<select id=e><option>Bitte wählen</option><option value=at>Österreich</option>
<option value=de>Deutschland</option></select></label><label>Gültig bis<input id=f placeholder="MM/JJJJ"></label>
<label>Monat der Ausstellung<input id=g></label><input id=h type=password placeholder="Neues Passwort">
<input id=i type=password placeholder="Passwort wiederholen"></form>"""
_FRENCH = """<form><p><label for=a>Prénom</label><input id=a><label for=b>Nom</label><input id=b>
<label for=c>Code postal</label><input id=c><label for=d>Ville</label><input id=d>
<label for=e>Téléphone</label><input id=e><label for=f>Adresse e-mail</label><input id=f></form>"""
_SPANISH = """<form><label>Nombre<input id=a></label><label>Apellidos<input id=b></label>
<label>Código postal<input id=c></label><label>Ciudad<input id=d></label><label>Teléfono<input id=e></label>
<label>Correo electrónico<input id=f></label></form>"""


def test_forms_of_other_languages_are_understood(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_GERMAN)
        await stage.act(
            _fill(full_name="Ada M Byron", postal_code="1", city="Wien", country="AT", cc_exp="05/29", password="pw")
        )
        values = await stage.value(_VALUES)
        assert list(values.values()) == ["Ada M", "Byron", "1", "Wien", "at", "05/2029", "", "pw", "pw"]
        for page in (_FRENCH, _SPANISH):
            await stage.show(page)
            person = {"first_name": "A", "last_name": "B", "postal_code": "1", "city": "C", "phone": "2", "email": "d"}
            await stage.act(_fill(**person))
            assert list((await stage.value(_VALUES)).values()) == list(person.values())

    staged(tmp_path, act)


def test_a_code_goes_into_its_boxes_one_digit_each(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<p>Enter your code</p>" + "".join(f"<input id=d{n} maxlength=1>" for n in range(6)))
        await stage.act(_fill(totp="123456"))
        assert list((await stage.value(_VALUES)).values()) == list("123456")

    staged(tmp_path, act)


def test_fields_in_frames_of_another_origin_are_filled(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            f"<label>City<input id=city></label><iframe src='{stage.site.other_origin}/form.html'></iframe>"
        )
        await stage.act(_fill(cc_name="A Lovelace", cc_number="4111111111111111", cc_cvv="123"))
        # The frame cannot be looked into, but its field takes four characters, and three are there already.
        assert await stage.value("document.querySelector('iframe').contentDocument") is None
        field = on("#cc-cvv", frames=("iframe",))
        assert "cut off" not in (await stage.act(Fill(field, "4", clear=False))).message
        assert "cut off" in (await stage.act(Fill(field, "5", clear=False))).message

    staged(tmp_path, act)


def test_keys_without_a_field_are_named_and_the_others_filled(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<label>City<input id=city></label><label>Search<input id=q type=search></label>")
        failed = await stage.fails(_fill(city="Rome", cc_number="4111111111111111", totp="topsecret"))
        assert failed.message == "No field was found for: cc_number, totp. Filled: city"
        assert await stage.value("[city.value, q.value]") == ["Rome", ""]
        nothing = await stage.fails(_fill(totp="topsecret"))
        assert nothing.message == "No field was found for: totp. Nothing was filled"
        for values in ({}, {"city": ""}, {"nonsense": "x"}):
            assert (await stage.fails(_fill(**values))).kind == "InvalidActionError"

    staged(tmp_path, act)
