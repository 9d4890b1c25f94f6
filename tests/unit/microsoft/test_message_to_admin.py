"""Where a refusal is mended, and the message to the admin: whole, and with nothing secret in it."""

from __future__ import annotations

import pytest

from bridge.contract.account import Mend, Way
from bridge.microsoft.sign_in.message_to_admin import consent_url, letter, mend_url
from bridge.microsoft.sign_in.registration import PublicApp
from bridge.microsoft.sign_in.remedies_table import REMEDIES

APP = PublicApp(
    "11111111-2222-4333-8444-555555555555", "https://login.microsoftonline.com/contoso.com"
)
GOV = PublicApp(APP.client_id, "https://login.microsoftonline.us/contoso.us")


def test_the_consent_page_is_that_of_the_tenant_and_the_app() -> None:
    assert consent_url(APP) == (
        "https://login.microsoftonline.com/contoso.com/adminconsent"
        "?client_id=11111111-2222-4333-8444-555555555555"
    )


@pytest.mark.parametrize("mend", [Mend.PUBLIC_CLIENT, Mend.REDIRECT, Mend.PERMISSION])
def test_an_app_registration_is_found_in_the_portal_of_its_cloud(mend: Mend) -> None:
    assert str(mend_url(mend, APP)).startswith("https://entra.microsoft.com/#view/")
    assert str(mend_url(mend, GOV)).startswith("https://entra.microsoft.us/#view/")
    assert str(mend_url(mend, APP)).endswith(f"/appId/{APP.client_id}")
    assert letter(mend, APP) is None


@pytest.mark.parametrize("mend", [Mend.CONSENT, Mend.ASSIGNMENT, Mend.EXCEPTION])
def test_an_admin_gets_all_that_they_need(mend: Mend) -> None:
    message = letter(mend, APP, aadsts=90094, correlation_id="c-1")
    assert message
    assert "Presence Bridge" in message.subject
    for fact in (APP.client_id, "Tenant: contoso.com", "Error: AADSTS90094", "Correlation id: c-1"):
        assert fact in message.body
    without = letter(mend, APP)
    assert without
    assert "None" not in without.body


def test_every_refusal_that_an_admin_mends_by_name_has_a_message() -> None:
    for row in REMEDIES:
        if row.who == "your admin" and row.mend:
            assert letter(row.mend, APP), row.codes


def test_the_numbers_that_people_meet_offer_something() -> None:
    rows = {code: row for row in REMEDIES for code in row.codes}
    assert all(Way.DEVICE_CODE in rows[code].refuses for code in (53003, 530036, 7000218))
    assert all(rows[code].mend for code in (50105, 65001, 90094, 700016, 90002, 7000218))
    assert rows[50020].mend is None  # another account is all that it takes
