"""Filling and checking do what a person's hands would, and say why where they cannot."""

from pathlib import Path

import pytest

from noctule.browser.commands import Check, Fill
from tests.e2e.acting_stage import Stage, on, staged

pytestmark = pytest.mark.slow

_FIELDS = """<script>var ev = []; for (const type of ['keydown','keyup','input','change'])
  addEventListener(type, event => ev.push(type + ':' + event.target.id), true)</script>
<input id=text><input id=pw type=password><input id=email type=email value=a@b.c><input id=number type=number value=5>
<textarea id=area>old</textarea><div id=rich contenteditable>old <b>bold</b></div><label>Named <input id=named></label>
<input id=date type=date><input id=time type=time><input id=color type=color><input id=range type=range>
<input id=month type=month><input id=week type=week><input id=stamp type=datetime-local>
<input id=readonly readonly value=x><input id=disabled disabled><input id=short maxlength=3>
<input id=keys><script>
keys.addEventListener('input', e => { if (e.data && e.data.length > 1) keys.value = '' })</script>
<input id=stubborn value=fix oninput="this.value = 'fix'"><input id=mask
  oninput="this.value = this.value.replace(/\\D/g, '').replace(/(\\d{3})(\\d{3})(\\d+)/, '($1) $2-$3')">
<input id=box type=checkbox><button id=button>No field</button><select id=select><option>One</select>
"""


def test_text_goes_into_every_kind_of_field(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_FIELDS)
        for name, value in {
            "text": "héllo wörld €",
            "pw": "s3cret!",
            "area": "one\ntwo",
            "named": "x",
            "date": "2031-05-17",
            "time": "07:30",
            "color": "#ff8800",
            "range": "70",
            "month": "2031-05",
            "week": "2031-W20",
            "stamp": "2031-05-17T07:30",
            "mask": "5551234567",
        }.items():
            acted = await stage.act(Fill(on(f"#{name}"), value))
            assert value not in acted.message, name
            expected = "(555) 123-4567" if name == "mask" else value
            assert await stage.value(f"{name}.value") == expected
        await stage.act(Fill(on("#rich"), "new\ntext"))
        assert await stage.value("rich.innerText") == "new\ntext"
        await stage.act(Fill(on("text=Named"), "by its label"))
        assert await stage.value("named.value") == "by its label"
        await stage.act(Fill(on("#keys"), "12345"))
        assert await stage.value("keys.value") == "12345"

    staged(tmp_path, act)


def test_what_goes_into_fields_for_secrets_is_marked(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<input id=plain><input id=pw type=password><input id=code autocomplete=one-time-code>"
            "<input id=card autocomplete='billing cc-number'>"
        )
        for name, is_secret in {"plain": False, "pw": True, "code": True, "card": True}.items():
            assert (await stage.act(Fill(on(f"#{name}"), "12"))).is_secret is is_secret
            assert (await stage.act(Fill(on(f"#{name}"), "34", typing="slow"))).is_secret is is_secret

    staged(tmp_path, act)


def test_the_last_character_comes_by_key_as_a_person_types_it(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_FIELDS)
        await stage.act(Fill(on("#text"), "ab"))
        assert await stage.value("ev") == ["input:text", "keydown:text", "input:text", "keyup:text"]
        await stage.act(Fill(on("#text"), "", press_enter=True))
        assert await stage.value("text.value") == ""

    staged(tmp_path, act)


def test_without_clearing_text_is_added_at_the_end(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_FIELDS)
        for name, value in {"text": "b", "email": "d", "number": "6", "area": "\n\tindented\n"}.items():
            await stage.act(Fill(on(f"#{name}"), value, clear=False))
        assert await stage.value("[text.value, email.value, number.value]") == ["b", "a@b.cd", "56"]
        assert await stage.value("area.value") == "old\n\tindented\n"
        await stage.act(Fill(on("#rich"), " more", clear=False))
        assert await stage.value("rich.innerText") == "old bold more"

    staged(tmp_path, act)


def test_indented_text_is_pasted(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<textarea id=area onpaste=\"pasted = event.clipboardData.getData('text')\"></textarea>")
        await stage.act(Fill(on("#area"), "if x:\n\treturn\n"))
        assert await stage.value("[area.value, pasted]") == ["if x:\n\treturn\n", "if x:\n\treturn\n"]

    staged(tmp_path, act)


def test_what_cannot_be_filled_says_why_and_never_what_with(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_FIELDS)
        for name, value, words in (
            ("readonly", "topsecret", "read-only"),
            ("disabled", "topsecret", "Element is disabled"),
            ("date", "05/17/2031", "YYYY-MM-DD"),
            ("number", "topsecret", "a number"),
            ("box", "topsecret", "check it instead"),
            ("select", "topsecret", "choose one of its options"),
            ("button", "topsecret", "choose a text field"),
            ("stubborn", "topsecret", "did not stay"),
        ):
            failed = await stage.fails(Fill(on(f"#{name}"), value, timeout_seconds=0.5))
            assert failed.kind == "ActionExecutionError"
            assert words in failed.message
            assert value not in failed.message
        assert "takes 3 characters" in (await stage.act(Fill(on("#short"), "12345"))).message
        assert await stage.value("short.value") == "123"

    staged(tmp_path, act)


def test_codes_are_typed_digit_by_digit_and_slow_text_key_by_key(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("".join("<input class=box maxlength=1>" for _ in range(4)) + "<input id=text value=old>")
        await stage.act(Fill(on(".box"), "1234", typing="code"))
        assert await stage.value("[...document.querySelectorAll('.box')].map(box => box.value).join('')") == "1234"
        await stage.act(Fill(on("#text"), "Ab!", typing="slow"))
        assert await stage.value("text.value") == "Ab!"

    staged(tmp_path, act)


_BOXES = """<input id=box type=checkbox>
<label id=label><input id=drawn type=checkbox style='display:none'><i>Drawn</i></label>
<input id=one type=radio name=r><input id=two type=radio name=r>
<div id=switch role=switch aria-checked=false
  onclick="setTimeout(() => this.ariaChecked = this.ariaChecked != 'true', 60)">s</div>
<div id=stuck role=checkbox aria-checked=false>stuck</div><input id=off type=checkbox disabled><input id=text>
<span><input id=bare type=checkbox style='display:none'><i>Bare</i></span>"""


def test_boxes_are_brought_to_the_state_that_is_wanted(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_BOXES)
        for wanted in (True, True, False):
            for name in ("box", "drawn", "bare"):
                await stage.act(Check(on(f"#{name}"), wanted))
            await stage.act(Check(on("#switch"), wanted))
            assert await stage.value("[box.checked, drawn.checked, bare.checked]") == [wanted] * 3
            assert await stage.value("document.getElementById('switch').ariaChecked") == str(wanted).lower()
        assert "already" in (await stage.act(Check(on("#box"), False))).message
        await stage.act(Check(on("text=Drawn"), True))
        assert await stage.value("drawn.checked") is True
        await stage.act(Check(on("#one"), True))
        await stage.act(Check(on("#two"), True))
        assert await stage.value("[one.checked, two.checked]") == [False, True]

    staged(tmp_path, act)


def test_what_cannot_be_checked_says_why(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(_BOXES)
        await stage.act(Check(on("#one"), True))
        for name, wanted, words in (
            ("one", False, "radio button cannot be unchecked"),
            ("stuck", True, "did not change"),
            ("off", True, "Element is disabled"),
            ("text", True, "not a checkbox"),
        ):
            assert words in (await stage.fails(Check(on(f"#{name}"), wanted, timeout_seconds=1))).message

    staged(tmp_path, act)
