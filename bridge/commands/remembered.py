"""What the state folder knows of each account when nobody can be asked. Only looks."""

from __future__ import annotations

from pathlib import Path

from bridge.commands.account_states import Summary
from bridge.config.tables.config import Config
from bridge.contract.clock import SystemClock
from bridge.contract.presence_kind import Kind
from bridge.microsoft.sign_in.cache_entries import ACCOUNT, sound
from bridge.microsoft.sign_in.encryption import key_id_of
from bridge.microsoft.sign_in.identity import identity_of
from bridge.microsoft.sign_in.token_cache import token_file
from bridge.web.data.history import KEPT, History
from bridge.web.data.snapshot import Span

NONE, STORED, DAMAGED, UNREADABLE = "none", "stored", "damaged", "unreadable"
"""What there is of a sign-in; whether Microsoft still takes it, only the service finds out."""


def remembered(config: Config) -> dict[str, Summary]:
    """Each account: its stored sign-in, and the last presence in the history of the page."""
    clock = SystemClock()
    history = History(config.state_dir / "history.jsonl", clock)
    history.load()
    now = clock.now()
    found = {}
    for slug in config.accounts:
        seen = [
            span for span in history.spans(slug, now - KEPT, now) if span.kind is not Kind.UNKNOWN
        ]
        found[slug] = _summary(token_file(config, slug), seen[-1] if seen else None)
    return found


def _summary(file: Path, last: Span | None) -> Summary:
    sign_in, who = _sign_in(file)
    if last is None:
        return Summary(sign_in, signed_in_as=who)
    return Summary(
        sign_in,
        availability=last.kind,
        changed_at=last.start.isoformat(),
        polled_at=last.end.isoformat(),
        signed_in_as=who,
    )


def _sign_in(file: Path) -> tuple[str, str | None]:
    """What is stored, and whose it is, where that can be read without a key."""
    try:
        text = file.read_text(encoding="utf-8")
        if key_id_of(text):
            return STORED, None
        entries, _ = sound(text)
    except (FileNotFoundError, NotADirectoryError):
        return NONE, None
    except OSError:
        return UNREADABLE, None
    except (ValueError, RecursionError):
        return DAMAGED, None
    account = next(iter(entries.get(ACCOUNT, {}).values()), None)
    return (STORED, identity_of(account).shown) if account else (NONE, None)
