from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from bridge.web.render.forms import TOKEN_SLOT, disclosure, form, with_token
from bridge.web.render.markup import join, tag
from tests.unit.web.reading import Reading


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "<b> & co", Markup("<i></i>")) == "<p>&lt;b&gt; &amp; co<i></i></p>"


def test_attributes_are_escaped_named_and_left_out_when_they_are_nothing() -> None:
    made = tag("a", "x", href='"><script>', class_="y", data_left=1.5, hidden=True, title=None)
    assert made == '<a href="&#34;&gt;&lt;script&gt;" class="y" data-left="1.5" hidden>x</a>'


def test_an_element_without_content_is_closed_so_that_svg_understands_it() -> None:
    assert tag("svg", tag("path", d="M0 0"), tag("path", d="M1 1")) == (
        '<svg><path d="M0 0"/><path d="M1 1"/></svg>'
    )


def test_children_may_be_lists_and_nothing() -> None:
    assert join("a", None, ["<", Markup("<br/>")]) == "a&lt;<br/>"


@given(st.text(), st.text())
def test_no_text_can_become_markup(text: str, value: str) -> None:
    page = Reading(tag("p", text, title=value))
    assert [name for name, _ in page.elements] == ["p"]


@given(st.text())
def test_no_text_can_stand_where_the_token_goes(text: str) -> None:
    made = tag("p", text + TOKEN_SLOT, title=TOKEN_SLOT + text)
    assert "SECRET" not in with_token(made, "SECRET") or "SECRET" in text


def test_a_form_posts_its_values_and_the_readers_token() -> None:
    made = form("sign-out", button="Yes", label="Sign out Alice", account='a"b')
    page = Reading(with_token(made, "t0ken"))
    assert page.all("form") == [{"method": "post", "action": "sign-out"}]
    assert [(i["name"], i["value"]) for i in page.all("input")] == [
        ("token", "t0ken"),
        ("account", 'a"b'),
    ]
    assert page.all("button") == [{"aria-label": "Sign out Alice"}]


def test_a_disclosure_needs_no_script() -> None:
    assert disclosure("More", "x") == "<details><summary>More</summary>x</details>"
