"""Authorities and certificates with one thing odd about each, for handshakes that look closely."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.demo.certificate import key_pem, new_key, pem, signed

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Shown:
    """What a server shows, and whom its clients are told to trust."""

    ca_file: Path
    chain_file: Path
    key_file: Path


def odd(
    folder: Path,
    *,
    critical: bool = False,
    name: str = "localhost",
    age_days: int = 1,
    between: bool = False,
    between_shown: bool = True,
) -> Shown:
    """A certificate for ``name`` that counts for a month, of an authority as company proxies have.

    Its basic constraints are ``critical`` or, as is common, not. With ``between`` another authority
    stands between the two, which is ``between_shown`` by the server or, by mistake, not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now, by, chain = datetime.now(UTC), ("Root", new_key()), []
    root = signed(*by, by=by, begins=now - DAY, is_authority=True, critical=critical)
    if between:
        above, by = by, ("Between", new_key())
        middle = signed(*by, by=above, begins=now - DAY, is_authority=True, critical=critical)
        chain = [middle] if between_shown else []
    key = new_key()
    leaf = signed(name, key, by=by, begins=now - age_days * DAY, names=[name])
    shown = Shown(folder / "ca.pem", folder / "chain.pem", folder / "key.pem")
    shown.ca_file.write_bytes(pem(root))
    shown.chain_file.write_bytes(pem(leaf, *chain))
    shown.key_file.write_text(key_pem(key), encoding="ascii")
    return shown
