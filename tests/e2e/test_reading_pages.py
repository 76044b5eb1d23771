"""A page is read as it is shown: what can be seen, where it is, and what its forms hold now."""

from pathlib import Path

import pytest

from noctule.browser.commands import EvaluateJs, Goto
from noctule.extraction.document import MAX_DEPTH
from noctule.extraction.markdown import to_markdown
from tests.e2e.acting_stage import Stage, staged
from tests.e2e.reading_stage import document, every, first, read, text, text_of

pytestmark = pytest.mark.slow


def test_a_page_is_read_with_attributes_sizes_of_pictures_and_the_head(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        url = stage.pages.add(
            "/page",
            "<!doctype html><title>A page</title><base href='/deep/'><link rel=icon href=i.png>"
            "<meta property=og:image content=o.png><meta name=robots content=all><link rel=stylesheet href=a.css>"
            "<body style='margin:0'><h1 class='big one' onclick='x()'>Title</h1>"
            "<p>far <b>down</b></p><img style='position:absolute;left:30px;top:2000px;width:100px;height:50px'>",
        )
        await stage.run(Goto(url))
        await stage.value("scrollTo(0, 900)")
        answer = await read(stage)
        assert (answer.url, answer.title, answer.content_type, answer.body) == (url, "A page", "text/html", b"")
        page = await document(stage)
        assert page.url == stage.pages.url("/deep/")
        assert [(found.tag, found.attributes) for found in first(page.root, "head").walk()][1:] == [
            ("link", {"rel": "icon", "href": "i.png"}),
            ("meta", {"property": "og:image", "content": "o.png"}),
        ]
        assert first(page.root, "h1").attributes == {"class": "big one"}
        assert first(page.root, "img").box == (30, 2000, 100, 50)
        assert first(page.root, "p").box is None
        assert text_of(page.root) == "Title far down"

    staged(tmp_path, act)


def test_what_cannot_be_seen_is_left_out(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<p>Seen, and enough of it that what is hidden here does not look like most of the page.</p>"
            "<style>.none{display:none} .small{position:absolute;width:1px;height:1px;overflow:hidden}</style>"
            "<p class=none>not displayed</p><p hidden>hidden</p><p style='visibility:hidden'>unseen <b "
            "style='visibility:visible'>back again</b></p><p class=small>for screen readers</p>"
            "<p style='position:absolute;left:-9999px'>far outside</p><p style='position:fixed;right:100%'>drawer</p>"
            "<p style='opacity:0'>fading in</p><details><summary>More</summary>unfolded</details>"
            "<div style='display:contents'><p>in contents</p></div>"
            "<script>'script'</script><template>template</template><dialog>dialog</dialog><noscript>none</noscript>"
        )
        assert await text(stage) == (
            "Seen, and enough of it that what is hidden here does not look like most of the page. "
            "back again fading in More unfolded in contents"
        )

    staged(tmp_path, act)


def test_what_tabs_and_folds_of_the_page_hold_is_read_and_what_menus_hold_is_not(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<p>Seen, and enough of it that what is hidden here does not look like most of the page.</p>"
            "<button aria-expanded=false aria-controls=answer>Why?</button><div id=answer hidden>Because</div>"
            "<button role=tab>Sizes</button><div role=tabpanel style='display:none'>Large</div>"
            "<button aria-expanded=false aria-haspopup=menu aria-controls=menu>Sort</button><p id=menu hidden>Price</p>"
            "<nav><button aria-expanded=false aria-controls=more>More</button><div id=more hidden>Jobs</div></nav>"
            "<button aria-expanded=false aria-controls=ask>Ask</button><div role=dialog id=ask hidden>Write to us</div>"
        )
        found = await text(stage)
        assert found.endswith("Why? Because Sizes Large Sort More Ask")

    staged(tmp_path, act)


@pytest.mark.parametrize("style", ["display:none", "visibility:hidden"])
@pytest.mark.parametrize("tag", ["body", "main"])
def test_a_page_that_waits_for_a_script_to_show_it_is_read(style: str, tag: str, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        told = "A story that its page hides until a script which never comes has shown it. " * 3
        stage.pages.add(
            "/page",
            f"<!doctype html><style>{tag}{{{style}}}</style><body><main><p>{told}<p hidden>aside</p></main>Loading",
        )
        await stage.run(Goto(stage.pages.url("/page")))
        found = await text(stage)
        assert told.strip() in found
        assert "aside" not in found

    staged(tmp_path, act)


def test_forms_give_what_they_hold_now_and_no_secret(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<form><input id=name value=old><input id=box type=checkbox><input type=radio name=r checked>"
            "<select><option>a<option selected>b<option>c</select><textarea>old</textarea>"
            "<input type=password value=pw1><input type=hidden value=pw2><input autocomplete=cc-number value=pw3>"
            "<input name=otp value=pw4><textarea autocomplete=one-time-code>pw5</textarea>"
            "<input style='-webkit-text-security:disc' value=pw6>"
            "<input autocomplete='current-password' value=pw7></form>"
        )
        await stage.value(
            "(document.getElementById('name').value = 'new', box.checked = true,"
            "document.querySelector('select').selectedIndex = 2, document.querySelector('textarea').value = 'now', 0)"
        )
        answer = await read(stage)
        assert b"pw" not in answer.tree
        root = (await document(stage)).root
        fields = every(root, "input")
        assert fields[0].attributes["value"] == "new"
        assert ["checked" in field.attributes for field in fields[1:3]] == [True, True]
        assert ["selected" in option.attributes for option in every(root, "option")] == [False, False, True]
        assert text_of(first(root, "textarea")) == "now"

    staged(tmp_path, act)


def test_shadow_roots_are_read_in_place_open_and_closed(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open("shadow.html")
        found = await text(stage)
        for part in ("Inside an open root", "Slotted title", "Made by the parser", "Declared, closed"):
            assert part in found
        assert "In no slot" not in found
        assert await stage.value("document.querySelector('closed-card').shadowRoot") is None
        closed = await text(stage, "closed-card")
        assert closed

    staged(tmp_path, act)


def test_closed_roots_of_a_page_without_scripts_of_its_own_are_read(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<my-card><template shadowrootmode=closed><p>secretly there</p><slot></slot></template>in it")
        assert await text(stage) == "secretly there in it"

    staged(tmp_path, act)


def test_formulas_code_and_drawings_keep_what_markdown_needs(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<p>Let <span style='position:absolute;clip:rect(1px,1px,1px,1px);width:1px;height:1px;overflow:hidden'>"
            "<math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x^2</annotation></semantics></math>"
            "</span> be.<pre><code class=language-python>def f():\n    return 1\n</code></pre>"
            "<svg width=90 height=90><title>A ring</title><circle r=40 /></svg>"
            "<div id=b style='background:url(/wide.png);height:90px'></div>"
        )
        page = await document(stage)
        markdown = to_markdown(page).text
        assert "x^2" in markdown
        assert "```python\ndef f():\n    return 1\n```" in markdown
        assert first(page.root, "circle").attributes == {"r": "40"}
        background = next(found for found in page.root.walk() if found.attributes.get("id") == "b")
        assert background.attributes["data-background"] == f'url("{stage.pages.url("/wide.png")}")'

    staged(tmp_path, act)


def test_a_page_that_shows_nothing_gives_what_it_has_for_browsers_without_scripts(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<div id=app></div><noscript><h1>Plain</h1><p>Works everywhere</p></noscript>")
        assert await text(stage) == "Plain Works everywhere"

    staged(tmp_path, act)


def test_fields_that_are_named_like_properties_stand_in_no_ones_way(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        names = ("localName", "attributes", "firstChild", "shadowRoot", "textContent", "children", "nextSibling")
        fields = "".join(f"<input name={name} value=x>" for name in names)
        await stage.show(f"<form class=clobbered>{fields}<p>inside</p></form><img name=body><img name=title>after")
        page = await document(stage)
        assert first(page.root, "form").attributes["class"] == "clobbered"
        assert text_of(page.root) == "inside after"
        assert page.title == "page"

    staged(tmp_path, act)


def test_what_a_page_does_to_the_language_changes_nothing(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show(
            "<p>still read<script>Array.prototype.push = JSON.stringify = String.prototype.trim = () => 1;"
            "Element.prototype.checkVisibility = () => false;window.getComputedStyle = null</script>"
        )
        assert await text(stage) == "still read"

    staged(tmp_path, act)


def test_a_page_without_end_is_cut_off_at_its_end(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<p>begin</p><main></main>")
        await stage.run(
            EvaluateJs(
                "let html = ''; for (let i = 0; i < 150000; i++) html += '<i>x</i>';"
                "document.querySelector('main').innerHTML = html; 1"
            )
        )
        page = await document(stage)
        assert text_of(page.root).startswith("begin x x x")
        assert 50_000 < len(list(page.root.walk())) < 100_000

    staged(tmp_path, act)


def test_what_is_nested_without_end_gives_its_text(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.show("<main></main>")
        await stage.run(
            EvaluateJs(
                "let at = document.querySelector('main'); for (let i = 0; i < 3000; i++) {"
                "const inner = document.createElement('b'); at.append(inner, i === 100 ? 'high' : ''); at = inner; }"
                "at.textContent = 'deep'; 1"
            )
        )
        page = await document(stage)
        assert text_of(page.root) == "deep high"
        depth, level = 0, [page.root]
        while level:
            depth += 1
            level = [child for element in level for child in element.children if not isinstance(child, str)]
        assert depth <= MAX_DEPTH

    staged(tmp_path, act)


def test_an_empty_tab_is_an_empty_page(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        answer = await read(stage)
        assert (answer.url, answer.content_type) == ("about:blank", "text/html")
        assert await text(stage) == ""

    staged(tmp_path, act)
