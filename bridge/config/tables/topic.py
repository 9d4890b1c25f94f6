"""Topics that people write: what cannot work is refused with its cure.

Rules: MQTT 5, 4.7 (topic names and filters) and 1.5.4 (text).
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

BASE_MOST = 100
BIRTH_MOST = 250
_BASE = re.compile(r"[a-z0-9_-]+(?:/[a-z0-9_-]+)*")
_NOT_OURS = re.compile(r"[^a-z0-9_/-]+")
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


def _base(topic: str) -> str:
    """``topic``, below which others are built; the error says the cure."""
    if _BASE.fullmatch(topic) and len(topic) <= BASE_MOST:
        return topic
    levels = [_NOT_OURS.sub("_", level).strip("_") for level in topic.strip().lower().split("/")]
    better = "/".join(level for level in levels if level)
    cure = f": write {better!r}" if better and len(better) <= BASE_MOST else ""
    if not topic.strip():
        raise ValueError("is empty: write a word, or leave the line out")
    if len(topic) > BASE_MOST:
        raise ValueError(f"is longer than {BASE_MOST} characters: write a short word")
    problem = "can only have a-z, 0-9, _ and -, and / between its levels"
    if topic.startswith("/") or topic.endswith("/"):
        problem = "must not begin or end with a slash"
    elif "//" in topic:
        problem = "has nothing between two slashes"
    raise ValueError(f"{_in_no_topic(topic) or problem}{cure}")


def _birth(topic: str) -> str:
    """``topic``, on which Home Assistant speaks; the error says the cure."""
    topic = topic.strip(" ")
    problem = _in_no_topic(topic)
    if not problem and len(topic.encode()) > BIRTH_MOST:
        problem = f"is longer than {BIRTH_MOST} bytes"
    if problem:
        raise ValueError(f"{problem}: write the topic that Home Assistant uses")
    return topic


def _in_no_topic(topic: str) -> str | None:
    if _HIDDEN.search(topic):
        return "has a character in it that cannot be seen"
    if "+" in topic or "#" in topic:
        return "has + or # in it, which stand for any topic"
    if topic.lstrip("/ ").startswith("$"):
        return "begins with $, as only topics of the broker itself do"
    return None


TopicBase = Annotated[str, AfterValidator(_base)]
BirthTopic = Annotated[str, AfterValidator(_birth)]
