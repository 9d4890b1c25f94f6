import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.microsoft.texts import TEXT_BYTES, message, plain
from tests.fakes.rows import rows

SPACES = "\t\n\v\f\r\x1c\x85\u2028\u2029\xa0"
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@rows("char", [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *TURNS])
def test_what_steers_a_terminal_or_turns_a_line_around_does_not_come_through(char: str) -> None:
    assert plain(f"a{char}b") in ("ab", "a b")


def test_lines_become_one() -> None:
    assert plain("\ufeff one\r\n\r\ntwo \t three" + SPACES) == "one two three"
    assert plain(f"one{SPACES}two") == "one two"


@pytest.mark.parametrize(
    "kept",
    ["Zoë", "👨\u200d👩\u200d👧", "🏴", "שלום", "\u200f\u0645\u0631", "日本語", "a b"],
)
def test_what_people_write_is_kept(kept: str) -> None:
    assert plain(kept) == kept


def test_a_long_text_is_cut_between_two_characters() -> None:
    assert plain("é" * 5000) == "é" * (TEXT_BYTES // 2)
    assert plain("x" + "🏠" * 5000) == "x" + "🏠" * ((TEXT_BYTES - 1) // 4)
    assert plain("xyz 123", 4) == "xyz"


def test_half_an_emoji_is_no_text() -> None:
    assert plain("lunch \ud83c") == "lunch ?"


@given(st.text(st.characters(), max_size=60), st.integers(0, 40))
def test_whatever_comes_is_a_line_that_mqtt_can_carry(text: str, most: int) -> None:
    line = plain(text, most)
    assert len(line.encode()) <= most
    assert line == line.strip()
    assert not set(line) & {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *TURNS}
    assert plain(line, most) == line


HTML = [
    ("<p>Back at 3</p>", "Back at 3"),
    ("one<br>two<br/>three", "one two three"),
    ("<div>one</div><div>two</div>", "one two"),
    ("<ul><li>one</li><li>two</li></ul>", "one two"),
    ("<b>bo</b>ld &amp; <i>sla</i>nted&nbsp;&#8364;", "bold & slanted €"),
    ('ask <at id="0">Bob Smith</at>, please', "ask @Bob Smith, please"),
    ('<p>fun <img alt="a > b" src="x"/><emoji alt=\'🙂\'></emoji>!</p>', "fun a > b🙂!"),
    ("<style>p {color: red}</style><script>evil()</script>fine<!-- not seen -->", "fine"),
    ("<SCRIPT>never closed", ""),
    ("&lt;b&gt; stays", "<b> stays"),
    ("1 < 2 &&  3 > 2", "1 < 2 && 3 > 2"),
    ("&#27;[31m&#x202e;&#0;x", "[31m\ufffdx"),
    ("", ""),
]


@rows(("html", "text"), HTML)
def test_html_is_shown_as_text(html: str, text: str) -> None:
    assert message(html, "html") == message(html, "HTML ") == text


def test_text_is_text_also_where_it_looks_a_little_like_markup() -> None:
    for text in ("I <3 this", "a < b > c", "AT&amp;T", "see <b>"):
        assert message(text, "text") == message(text) == text


def test_html_that_is_marked_as_text_is_shown_as_text() -> None:
    assert message("<p>Back <b>soon</b></p>", "text") == "Back soon"
    assert message("<html>\r\n<body>In the hills</body></html>") == "In the hills"
    assert message("\ufeff<table><tr><td>In</td><td>out</td></tr></table>", "text") == "In out"
    assert message("<h1 class='x'>Gone</h1>fishing", "text") == "Gone fishing"
    assert message("lunch<pinnednote></pinnednote>", "text") == "lunch"


def test_a_long_message_is_not_cut_within_a_tag() -> None:
    assert "<" not in message('<a href="x">y</a>' * 3000, "html")


@rows("evil", ["<!--", "<script>", '<a b="', "<a ", "<", "&", "<p>", "<!"])
def test_no_message_keeps_everybody_waiting(evil: str) -> None:
    began = time.process_time()
    message(evil * 100_000, "html")
    assert time.process_time() - began < 0.2
