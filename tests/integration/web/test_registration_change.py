"""A mistaken app registration is taken back on the page, while a card is refused for it."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from bridge.contract.account import Mend, SignIn, SignInState
from bridge.contract.errors import PersonMustActError, TryAgainError
from bridge.contract.registration import Registration
from bridge.web.refused import MistakeError
from tests.fakes.web_page import RunningPage, person, serving
from tests.integration.web.conftest import HOUSEHOLD, PASSWORD, client_of
from tests.integration.web.visitor import TOKEN, press, read, until

CLIENT_ID = "1b2c3d4e-0000-4000-8000-123456789abc"
RIGHT = {"account": "alice", "tenant": "fabrikam.com", "client_id": CLIENT_ID}
ADDRESS = "set-up/registration"


def refused(mend: Mend | None = Mend.REGISTRATION) -> SignIn:
    words = "The client id is not known in this tenant (AADSTS700016)."
    return SignIn(SignInState.ERROR, message=words, remedy="Check it.", mend=mend)


async def show(page: RunningPage, browser: aiohttp.ClientSession, mend: Mend | None) -> str:
    page.show(person("alice", presence=None, fresh=False, sign_in=refused(mend)))
    return await until(browser, "AADSTS700016")


@pytest.mark.parametrize("query", ["?account=alice", ""])
async def test_the_card_leads_to_a_form_with_the_values_as_they_are(
    home: RunningPage, browser: aiohttp.ClientSession, query: str
) -> None:
    assert f"{ADDRESS}?account=alice" in await show(home, browser, Mend.REGISTRATION)
    form = await read(browser, f"{ADDRESS}{query}")
    assert 'value="contoso.com"' in form
    assert f'value="{UUID(int=7)}"' in form
    assert "../static/page.css" in form
    answer = await press(browser, ADDRESS, **RIGHT)
    assert (answer.status, answer.headers["Location"]) == (303, "../#person-alice")
    assert home.actions.asked == [("change_registration", "alice", "fabrikam.com", CLIENT_ID)]


@pytest.mark.parametrize("mend", [None, Mend.CONSENT])
async def test_nothing_is_changed_while_no_registration_is_refused(
    home: RunningPage, browser: aiohttp.ClientSession, mend: Mend | None
) -> None:
    assert ADDRESS not in await show(home, browser, mend)
    async with browser.get(f"{ADDRESS}?account=alice") as answer:
        assert answer.status == 409
        assert 'href="../"' in await answer.text()
    assert (await press(browser, ADDRESS, **RIGHT)).status == 409
    assert (await press(browser, ADDRESS, **{**RIGHT, "account": "nobody"})).status == 409
    assert not home.actions.asked


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (MistakeError("No such app.", field="client_id"), "No such app."),
        (TryAgainError("Microsoft cannot be reached"), "Try again."),
        (PersonMustActError("It is read-only.", remedy="Write it yourself."), "Write it yourself"),
    ],
)
async def test_what_is_refused_is_said_and_what_was_typed_stays(
    home: RunningPage,
    browser: aiohttp.ClientSession,
    failure: PersonMustActError | TryAgainError | MistakeError,
    words: str,
) -> None:
    await show(home, browser, Mend.REGISTRATION)
    token = TOKEN.findall(await read(browser))[0]
    home.actions.failure = failure
    async with browser.post(ADDRESS, data={"token": token, **RIGHT}) as answer:
        assert answer.status == 422
        page = await answer.text()
    assert words in page
    assert f'value="{CLIENT_ID}"' in page
    assert 'value="fabrikam.com"' in page


async def test_swapped_values_are_put_right_in_one_press(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    await show(home, browser, Mend.REGISTRATION)
    swapped = Registration("contoso.com", UUID(CLIENT_ID))
    home.actions.failure = MistakeError("Swapped.", field="client_id", swapped=swapped)
    token = TOKEN.findall(await read(browser))[0]
    async with browser.post(ADDRESS, data={"token": token, **RIGHT}) as answer:
        page = await answer.text()
    assert "Swap them and go on" in page
    assert page.count('name="account" value="alice"') == 2


async def test_it_needs_the_password_and_its_own_form(tmp_path: Path, password_file: Path) -> None:
    settings = {"password_file": password_file}
    async with (
        serving(tmp_path, HOUSEHOLD, settings=settings) as page,
        client_of(page) as client,
    ):
        page.show(person("alice", sign_in=refused()))
        async with client.get(f"{ADDRESS}?account=alice") as answer:
            assert answer.status == 401
            asked = await answer.text()
            assert 'action="../enter"' in asked
            token = TOKEN.findall(asked)[0]
        async with client.post(ADDRESS, data={"token": token, **RIGHT}) as answer:
            assert answer.status == 401
        async with client.post("enter", data={"token": token, "password": PASSWORD}):
            pass
        async with client.post(ADDRESS, data=RIGHT) as answer:
            assert answer.status == 403
            assert 'href="../"' in await answer.text()
        assert not page.actions.asked
