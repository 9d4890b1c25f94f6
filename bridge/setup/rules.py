"""What each user of the broker may do, in the words of Mosquitto's ``acl_file``.

``init`` keeps the lines between two marks; what a person wrote around them stays.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping

from bridge.contract.topics import Topics
from bridge.setup.lamps import Lamp

BEGIN = '# --- "presence-bridge init" keeps the lines from here'
END = "# --- to here"

_HEAD = """\
# Who may do what at the broker, for base topic "{base}" and discovery prefix "{prefix}".
# Your own lines go below the second mark. What a lamp may read, and why: docs/docker.md

"""
_LAMP = re.compile(r"# lamp (\S+): ")
_USER = re.compile(r"(?m)^user (\S+)$")
_FOLLOWED = ("state", "availability", "sign_in")
_OLDER = re.compile(r"# (every user, so every lamp|Lamps of an older release): .*")


def lamps_of(text: str) -> Mapping[str, str]:
    """The lamps that ``init`` gave lines to in ``text``, with these."""
    _, kept, _ = _parts(text)
    paragraphs = (paragraph.strip() for paragraph in kept.split("\n\n"))
    return {found[1]: part for part in paragraphs if (found := _LAMP.match(part))}


def users_of(text: str) -> set[str]:
    """Who has lines of their own in ``text``."""
    return set(_USER.findall(text))


def with_rules(
    text: str,
    topics: Topics,
    lamps: Iterable[Lamp],
    *,
    users: Container[str],
    everybody_is_known: bool,
) -> str:
    """``text`` with the rules of ``lamps`` as they are now, and as they were of other ``users``.

    ``everybody_is_known`` takes out the lines by which every user could read everybody.
    """
    before, _, after = _parts(text)
    paragraphs = {name: part for name, part in lamps_of(text).items() if name in users}
    paragraphs |= {lamp.name: _lamp(topics, lamp) for lamp in lamps}
    kept = "\n\n".join([_users(topics), *(paragraphs[name] for name in sorted(paragraphs))])
    if not text:
        before = _HEAD.format(base=topics.base, prefix=topics.discovery_prefix)
    if everybody_is_known:
        older = set(_older(topics))
        lines = [it for it in after.splitlines() if it not in older and not _OLDER.match(it)]
        after = "\n".join(lines).rstrip("\n") + "\n" if any(lines) else ""
    return f"{before}{BEGIN}\n{kept}\n{END}\n{after}"


def lets_everybody_read(text: str, topics: Topics) -> bool:
    """Whether ``text`` has lines of the last release, by which every user reads everybody."""
    return not set(_older(topics)).isdisjoint(text.splitlines())


def _parts(text: str) -> tuple[str, str, str]:
    """Before the first mark, between the two, and after the second."""
    before, begun, rest = text.partition(f"{BEGIN}\n")
    if not begun:
        return "", "", f"\n{text}" if text else ""
    kept, ended, after = rest.partition(f"{END}\n")
    return (before, kept, after) if ended else (before, "", f"\n{rest}")


def of_the_bridge(topics: Topics) -> tuple[str, ...]:
    """What the bridge needs."""
    base, prefix = topics.base, topics.discovery_prefix
    return (
        f"topic readwrite {base}/bridge/#",
        f"topic readwrite {base}/account/#",
        f"topic readwrite {base}/table/#",
        f"topic read {base}/driver/#",
        f"topic write {base}/driver/+/light/set",
        f"topic readwrite {prefix}/device/+/config",
        *_births(topics),
    )


def _users(topics: Topics) -> str:
    base, prefix = topics.base, topics.discovery_prefix
    elsewhere = (topic for topic in topics.births if not topic.startswith(f"{prefix}/"))
    speaks = "".join(f"topic readwrite {topic}\n" for topic in elsewhere)
    lines = "\n".join(of_the_bridge(topics))
    return f"""\
user homeassistant
topic readwrite {prefix}/#
{speaks}topic readwrite {base}/#

user bridge
{lines}

user health
topic read $SYS/broker/uptime
topic read {topics.bridge_state}"""


def _lamp(topics: Topics, lamp: Lamp) -> str:
    """Its own topics, what it follows and its device; nobody's status message or code."""
    lines = [
        f"# lamp {lamp.name}: follows {', '.join(lamp.follow) or 'everybody'}",
        f"user {lamp.name}",
        f"topic readwrite {topics.base}/driver/{lamp.name}/#",
        f"topic readwrite {topics.discovery_prefix}/device/{lamp.name}/#",
        *_births(topics),
        f"topic read {topics.bridge_state}",
    ]
    for account in lamp.follow or ("+",):
        lines += [f"topic read {topics.account(account, leaf)}" for leaf in _FOLLOWED]
    lines.append(f"topic read {topics.table('+', 'fresh')}")
    lines += [f"topic write {topic}" for topic in lamp.device.write]
    lines += [f"topic read {topic}" for topic in lamp.device.read]
    return "\n".join(lines)


def _births(topics: Topics) -> Iterator[str]:
    return (f"topic read {topic}" for topic in topics.births)


def _older(topics: Topics) -> tuple[str, ...]:
    """What every user may do until ``init`` has run."""
    return (
        f"pattern readwrite {topics.base}/driver/%u/#",
        f"pattern readwrite {topics.discovery_prefix}/device/%u/+/config",
        *(f"pattern read {topics.account('+', leaf)}" for leaf in ("state", "availability")),
        f"pattern read {topics.account('+', 'auth')}",
        f"pattern read {topics.table('+', 'fresh')}",
        f"pattern read {topics.bridge_state}",
        f"pattern read {topics.discovery_prefix}/status",
    )
