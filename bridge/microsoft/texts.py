"""What Microsoft sends as text, as it is fit for a log line and a topic. Pure.

One line each: no markup, no control characters, nothing that turns a line around, not too long.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

TEXT_BYTES, NAME_BYTES = 4096, 256
"""The most of a text and of a name or word, in UTF-8."""
_MARKUP_MOST = 4 * TEXT_BYTES
"""Characters of a message that are looked at."""
_TURNS_AROUND = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_NO_TEXT = (0x7F, *range(0x80, 0x85), *range(0x86, 0xA0), 0xFEFF, *range(0xFFF9, 0xFFFC))
_DROPPED = dict.fromkeys((*range(0x09), *range(0x0E, 0x1C), *_NO_TEXT, *_TURNS_AROUND))
"""The others that are no text are spaces or ends of lines, and become one space."""
_TAG = re.compile(r"""<(/?)([A-Za-z][\w:-]*)((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>""")
_ALT = re.compile(r"""(?i)\balt\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_UNSEEN = re.compile(
    r"(?is)<!--(?:.*?-->|.*)|<(script|style|head|title)\b(?:.*?</\1\s*>|.*)"  # or to the end
)
_HTML = re.compile(
    r"(?i)[\s\ufeff]*<(?:!doctype|html|head|meta|style|body|div|p|br|span|font|table|[uo]l|h\d|at)"
    r"\b[^<>]*>"
)
_PINNED = re.compile(r"(?i)</?pinnednote\b[^<>]*>")
"""Teams writes it behind a message that is to be shown above chats, whatever the content type."""
_INLINE = re.compile("a|at|b|code|em|emoji|font|i|img|pinnednote|s|small|span|strong|su[bp]|u")


def plain(text: str, most_bytes: int = TEXT_BYTES) -> str:
    """``text`` in one line of ``most_bytes`` at the most, cut between two characters."""
    if len(text) <= most_bytes and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()  # as nearly all are
    line = " ".join(text[: 4 * most_bytes].translate(_DROPPED).split())
    # half an emoji, which JSON can escape and UTF-8 cannot encode, becomes a question mark
    return line.encode(errors="replace")[:most_bytes].decode(errors="ignore").rstrip()


def text_in(parent: Mapping[str, Any], key: str, most_bytes: int = NAME_BYTES) -> str | None:
    """The text called ``key``, as ``plain`` has it; ``None`` where there is none."""
    value = parent.get(key)
    return (plain(value, most_bytes) or None) if isinstance(value, str) else None


def message(content: str, content_type: object = None) -> str:
    """A message that a person wrote, HTML or not, as text.

    Teams marks some as text and sends HTML all the same, and so does Outlook.
    """
    if len(content) > _MARKUP_MOST:
        content = content[:_MARKUP_MOST]
        content = content[: content.rfind("<")] if "<" in content[-TEXT_BYTES:] else content
    is_html = isinstance(content_type, str) and content_type.strip().lower() == "html"
    if is_html or _HTML.match(content):
        content = unescape(_TAG.sub(_shown, _UNSEEN.sub(" ", content)))
    return plain(_PINNED.sub("", content))


def _shown(tag: re.Match[str]) -> str:
    """What a tag means for who reads the text: a space, a mention, a picture's words, nothing."""
    name, begins = tag[2].lower(), not tag[1]
    if begins and (alt := _ALT.search(tag[3])):
        return alt[1] or alt[2] or alt[3] or ""
    if name == "at":
        return "@" if begins else ""
    return "" if _INLINE.fullmatch(name) else " "
