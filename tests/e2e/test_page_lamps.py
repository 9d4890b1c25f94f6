"""A lamp in the hands of somebody who has only the page: tried, set, switched off, asked why."""

from __future__ import annotations

import json

from playwright.async_api import expect

from tests.e2e.page_stage import NARROW, Home, is_fit, is_green, shows
from tests.integration.web.browsing import complaints, live

LAMP = '[drivers.lamp]\nkind = "console"\nfollow = ["alice"]\ngrace = 0\n'


async def test_somebody_who_has_only_the_page_tries_a_lamp_and_sets_it_and_asks_it_why(
    home: Home,
) -> None:
    home.configure(LAMP)
    stage = home.stage
    stage.microsoft.auto_approve(stage.home.person)
    await home.start()
    page = await home.visit(viewport=NARROW)
    await is_green(page)
    stage.start("drivers", "lamp")
    row = page.locator("#light-lamp")

    await expect(row).to_contain_text("Online, follows presence")
    await row.get_by_text("Why is it green?").click()
    await expect(row).to_contain_text("Alice is available.")
    stage.be("Busy", "InACall")
    await shows(page, "In a call")
    await expect(row).to_contain_text("Why is it red?")
    await expect(row.get_by_text("Alice is busy: the activity comes first")).to_be_visible()

    await row.get_by_role("button", name="Try lamp").click()
    await live(page)
    await expect(row).to_contain_text("its looks are tried")
    await expect(row).to_contain_text("Shows orange")
    await row.get_by_role("button", name="Stop trying lamp").click()
    await live(page)
    await expect(row).to_contain_text("Shows red at 100 %, pulse: Alice is in a call")

    by_hand = row.get_by_text("Set by hand", exact=True)
    await by_hand.click()
    await row.get_by_label("Colour").fill("#0000ff")
    await row.get_by_label("Brightness").fill("40")
    await row.get_by_role("button", name="Set lamp").click()
    await live(page)
    await expect(row).to_contain_text("Online, set by hand")
    await expect(row).to_contain_text("Shows blue at 40 %")
    await is_fit(page)

    await row.get_by_role("button", name="Off for an hour: lamp").click()
    await live(page)
    await expect(row).to_contain_text("Online, switched off by hand until")
    await row.get_by_role("button", name="Let lamp follow presence again").click()
    await live(page)
    await expect(row).to_contain_text("Shows red")
    assert complaints(page) == []

    older = json.dumps({"won": {"rule": "activity in_a_call", "account": "alice"}})
    await stage.mqtt.publish("presence/driver/lamp/light/why", older, retain=True)
    await expect(row.get_by_role("button", name="Try lamp")).to_have_count(0)
