"""What the page's forms lead to: as a browser without a script sees it, and as our script does."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import pytest

from bridge.contract.errors import PersonMustActError
from bridge.contract.presence import Activity, Availability
from bridge.web.data.snapshot import Snapshot
from tests.fakes.web_page import RunningPage, person, service, serving
from tests.integration.web.conftest import client_of
from tests.integration.web.visitor import press, read, token_of

REFUSAL = PersonMustActError("that address holds no <code>.", remedy="Paste all of it.")
SHOWN = "That address holds no &lt;code&gt;. Paste all of it."


async def ask(
    client: aiohttp.ClientSession, form: str, **fields: str
) -> tuple[int, dict[str, str]]:
    """What our script gets."""
    data = {"token": await token_of(client), **fields}
    headers = {"Accept": "application/json"}
    async with client.post(form, data=data, headers=headers, allow_redirects=False) as answer:
        return answer.status, json.loads(await answer.text())


async def test_a_refused_form_leads_back_to_an_address_that_can_be_reloaded(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    home.actions.failure = REFUSAL
    answer = await press(browser, "sign-in-address", account="bob", address="http://localhost/")
    assert answer.status == 303
    place, _, element = answer.headers["Location"].partition("#")
    assert element == "person-bob"
    for _ in range(2):
        page = await read(browser, place)
        assert SHOWN in page
        assert f'role="alert">{SHOWN}</p>' in page  # always in view, also beside the card
    assert SHOWN not in await read(browser)


async def test_the_script_is_answered_without_a_page(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    done = {"element": "person-alice", "find": "", "refusal": "", "note": ""}
    assert await ask(browser, "sign-out", account="alice") == (200, done)
    home.actions.failure = REFUSAL
    status, answer = await ask(browser, "sign-in-address", account="bob", address="x")
    assert (status, answer["element"]) == (422, "person-bob")
    assert answer["refusal"] == "That address holds no <code>. Paste all of it."


async def test_what_is_to_be_known_of_a_set_presence_is_shown(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    home.show(person("alice", settable=True))
    home.actions.note = "Teams shows it later."
    answer = await press(browser, "set-presence", account="alice", presence="away")
    assert "Teams shows it later." in await read(browser, answer.headers["Location"])
    _, script = await ask(browser, "set-presence", account="alice", presence="away")
    assert script["note"] == "Teams shows it later."


@pytest.mark.parametrize(
    ("find", "account", "place"),
    [
        ("person 5", "p55", "./?find=person+5#person-p55"),
        ("", "p0", "./#person-p0"),
        ("", "p55", "./?find=p55#person-p55"),  # a page of 24 does not show it
        ("person 5", "p7", "./?find=p7#person-p7"),
        ('"><x>', "p7", "./?find=p7#person-p7"),
    ],
)
async def test_a_form_keeps_the_search_and_leads_to_its_card(
    tmp_path: Path, find: str, account: str, place: str
) -> None:
    away = (Availability.AWAY, Activity.AWAY)
    people = tuple(person(f"p{n}", *away, name=f"Person {n:02}") for n in range(60))
    async with serving(tmp_path, Snapshot(service(), people)) as home, client_of(home) as client:
        async with client.get("./", params={"find": find}) as answer:
            page = await answer.text()
        assert "<x>" not in page
        fields = page.count('type="hidden" name="find"')
        assert fields == (page.count('method="post"') if find else 0)
        answer = await press(client, "sign-out", account=account, find=find)
        assert answer.headers["Location"] == place
        _, script = await ask(client, "sign-out", account=account, find=find)
        assert script["element"] == f"person-{account}"
        assert f'id="person-{account}"' in await read(client, place.partition("#")[0])


@pytest.mark.parametrize("form", ["sign-out", "set-presence", "leave", "enter"])
async def test_who_loads_the_address_of_a_form_comes_to_the_page(
    browser: aiohttp.ClientSession, form: str
) -> None:
    async with browser.get(form) as answer:
        assert answer.status == 200
        assert "Alice" in await answer.text()
