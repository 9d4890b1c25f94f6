"""One Microsoft account that is signed in for several tables: seen on each, logged once."""

from __future__ import annotations

import pytest

from bridge.microsoft.sign_in.same_account import SameAccount, Seat


class Table:
    """A table that looks where its account sits too, whenever that is news."""

    def __init__(self, tables: SameAccount, name: str) -> None:
        self.account: str | None = None
        self.also_on: tuple[str, ...] = ()
        self._tables, self._seat = tables, Seat(name, self.look)

    def look(self) -> None:
        self.also_on = self._tables.take(self._seat, self.account)

    @property
    def others(self) -> list[str]:
        return list(self.also_on)

    def sign_in(self, account: str | None) -> None:
        self.account = account
        self.look()


def test_all_who_share_an_account_learn_of_each_other_and_the_log_says_it_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    all_tables = SameAccount()
    alice, bob, carol = (Table(all_tables, name) for name in ("Alice", "Bob", "Carol"))
    alice.sign_in("a")
    bob.sign_in("b")
    assert (alice.others, bob.others) == ([], [])
    carol.sign_in("a")
    bob.sign_in("a")
    assert alice.others == ["Bob", "Carol"]
    assert bob.others == ["Alice", "Carol"]
    assert carol.others == ["Alice", "Bob"]
    assert caplog.messages == [
        "Alice and Carol are signed in with one Microsoft account: is that intended?"
    ]
    carol.sign_in(None)
    assert (alice.others, carol.others) == (["Bob"], [])
    bob.sign_in("b")
    assert alice.others == []
