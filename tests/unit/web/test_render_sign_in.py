"""Signing in on a card: whose account it is, who is unexpected, and what mends a refusal."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

import pytest

from bridge.contract.account import Letter, Mend, SignIn, SignInState, Way
from bridge.web.data.page_words import Calendar
from bridge.web.data.snapshot import Person, Table
from bridge.web.render.people import person_card
from bridge.web.render.sign_in import sign_in_panel
from tests.fakes.web_page import BOTH, BROWSER_ADDRESS, NOON, in_browser, person, waiting
from tests.unit.web.reading import Reading

CALENDAR = Calendar.at(NOON, NOON.tzinfo)
ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
LETTER = Letter("Please consent", "Hello,\n\nplease open https://login.example/adminconsent")
REFUSED = SignIn(
    SignInState.ERROR,
    message="An admin must consent to this app (AADSTS90094).",
    remedy="Ask your admin to grant admin consent for the app.",
    who="your admin",
    aadsts=90094,
    mend=Mend.CONSENT,
    mend_url="https://login.example/adminconsent",
    letter=LETTER,
)


def card(somebody: Person) -> Reading:
    return Reading(person_card(somebody, CALENDAR))


def signed_in(**changes: object) -> Person:
    sign_in = SignIn(SignInState.SIGNED_IN, signed_in_as=ALICE)
    return person(sign_in=replace(sign_in, **changes))  # type: ignore[arg-type]


def forms(shown: Reading) -> list[str]:
    return [str(form["action"]) for form in shown.all("form")]


def test_a_card_says_whose_account_it_shows() -> None:
    assert f"Signed in as {ALICE}" in card(signed_in()).words
    assert "Signed in as" not in card(waiting()).words
    table = Table("team", 3, SignIn(SignInState.SIGNED_IN, signed_in_as=BOB), BOTH)
    assert f"Signed in as {BOB}" in Reading(sign_in_panel(table, CALENDAR) or "").words


def test_one_account_on_two_cards_is_a_warning_on_both() -> None:
    words = card(signed_in(also_on=("Bob", "Carol"))).words
    assert "The same Microsoft account is signed in for Bob and Carol." in words


def test_somebody_else_than_before_can_be_kept_or_not() -> None:
    asked = f"That is Bob ({BOB}); so far {ALICE} was signed in for Alice."
    shown = card(signed_in(newcomer=BOB, message=asked, remedy="Keep, or sign in again."))
    assert asked in shown.words
    assert "Until you choose, all stays as it was." in shown.words
    assert forms(shown)[:2] == ["keep-sign-in", "sign-in"]
    labels = [button.get("aria-label") for button in shown.all("button")][:2]
    assert labels == [f"Keep {BOB}: Alice", "Sign in again: Alice"]


def test_somebody_who_is_used_already_is_asked_about_without_a_promise() -> None:
    shown = card(signed_in(signed_in_as=BOB, newcomer=BOB, message=f"That is {BOB}."))
    assert "all stays" not in shown.words
    assert f"Keep {BOB}" in shown.words


def test_a_message_for_the_admin_can_be_copied_and_mailed() -> None:
    shown = card(waiting(sign_in=REFUSED))
    assert "Please consent Hello, please open" in shown.words
    [copying] = [button for button in shown.all("button") if button.get("data-copy")]
    assert copying["data-copy"] == "letter-alice"
    assert shown.all("pre")[0]["id"] == "letter-alice"
    consent, mail = shown.all("a")
    assert consent["href"] == REFUSED.mend_url
    assert unquote(str(mail["href"])) == f"mailto:?subject={LETTER.subject}&body={LETTER.body}"
    assert forms(shown) == ["sign-in", "sign-in"]


@pytest.mark.parametrize("mend", [Mend.PUBLIC_CLIENT, Mend.REDIRECT, Mend.PERMISSION])
def test_a_wrong_app_registration_has_a_link_to_it(mend: Mend) -> None:
    refused = replace(REFUSED, mend=mend, mend_url="https://entra.example/#view/x", letter=None)
    shown = card(waiting(sign_in=refused))
    [link] = shown.all("a")
    assert link["href"] == "https://entra.example/#view/x"
    assert "Open the app registration" in shown.words


def test_wrong_ids_are_changed_here_and_only_then() -> None:
    refused = replace(REFUSED, mend=Mend.REGISTRATION, mend_url=None, letter=None)
    shown = card(waiting(sign_in=refused))
    assert [link["href"] for link in shown.all("a")] == ["set-up/registration?account=alice"]
    assert "Change the app registration" in shown.words
    assert "Change the app registration" not in card(waiting(sign_in=REFUSED)).words


def test_an_address_of_another_kind_is_no_link() -> None:
    refused = replace(REFUSED, mend_url="javascript:alert(1)", letter=None)
    assert not card(waiting(sign_in=refused)).all("a")


def test_the_other_way_is_offered_with_the_reason_and_the_message() -> None:
    instead = replace(
        in_browser().sign_in,
        message="A Conditional Access policy blocks this sign-in (AADSTS53003). "
        "Sign in with a browser instead.",
        aadsts=53003,
        mend=Mend.EXCEPTION,
        who="your admin",
        letter=LETTER,
    )
    shown = card(waiting(sign_in=instead))
    assert "Sign in with a browser instead." in shown.words
    assert BROWSER_ADDRESS in [link["href"] for link in shown.all("a")]
    assert "Message for the admin" in shown.words
    assert "sign-in-address" in forms(shown)
    ways = [i["value"] for i in shown.all("input") if i["name"] == "way"]
    assert ways == [Way.DEVICE_CODE]
