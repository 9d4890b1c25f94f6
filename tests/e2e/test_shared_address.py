"""A phone signs in, ends on a page that cannot load, and shares that page with ours."""

from __future__ import annotations

from urllib.parse import urlencode

from playwright.async_api import expect

from tests.e2e.page_stage import AVAILABILITY, PHONE, Home, card, is_fit, is_green
from tests.e2e.test_page_sign_in import on_another_machine, open_microsoft
from tests.integration.web.browsing import live


async def test_what_a_phone_shares_signs_in_after_one_press(home: Home) -> None:
    bridge = await home.start()
    page = await home.visit(viewport=PHONE)
    ended = await on_another_machine(page)
    await card(page).get_by_role("button", name="Sign in with a browser").click()
    await live(page)
    await expect(card(page).get_by_text("that is right")).to_be_visible()
    await is_fit(page)
    microsoft = await open_microsoft(page)
    await microsoft.get_by_label("Sign in as").select_option("alice@contoso.com")
    await microsoft.get_by_role("button", name="Accept").click()
    await expect(microsoft.get_by_role("heading")).to_contain_text("cannot be reached")

    share = urlencode({"title": "localhost", "text": f"localhost {ended()}"})
    await microsoft.goto(f"{home.address}share?{share}")
    await expect(microsoft.get_by_role("heading")).to_have_text("Finish the sign-in of Alice?")
    await is_fit(microsoft)
    await microsoft.get_by_role("button", name="Finish signing in").click()
    await is_green(microsoft)
    await home.stage.mqtt.until_text(AVAILABILITY, "online")
    code = ended().partition("code=")[2].partition("&")[0]
    assert code not in home.stage.log(bridge)
