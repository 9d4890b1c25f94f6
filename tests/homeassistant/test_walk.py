"""A person with Home Assistant and a browser, who has no shell, from the first code to the week."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.fakes.web_browser import chromium, needs_chromium
from tests.homeassistant.blueprints import automation, by_blueprint
from tests.homeassistant.frontend import opened
from tests.homeassistant.household import ACTIVITY, SIGN_IN, Household
from tests.homeassistant.test_dashboards import DASHBOARDS

DOOR = "light.door"


async def enter_code(page: Page, code: str) -> None:
    """Open the page that the dashboard names, type the code, sign in as Alice."""
    async with page.expect_popup() as opening:
        await page.get_by_role("link", name="/device").click()
    microsoft = await opening.value
    await microsoft.get_by_label("Code").fill(code)
    await microsoft.get_by_label("Sign in as").select_option("alice@contoso.com")
    await microsoft.get_by_role("button", name="Continue").click()
    await expect(microsoft.get_by_role("heading")).to_have_text("Signed in")
    await microsoft.close()


async def test_a_second_sign_in_a_call_and_the_minutes(home: Household) -> None:
    needs_chromium()
    hass, path = home.hass, await home.dashboard("person", DASHBOARDS["person"])
    light = by_blueprint("light_in_a_call", activity=ACTIVITY, lights=[DOOR], transition=0)
    async with chromium() as browser, automation(home, "on_air", **light):
        page = await opened(browser, hass.url, hass.token, path, ignore_https_errors=True)
        await expect(page.get_by_text("signed_in", exact=True)).to_be_visible()
        await home.stage.mqtt.publish("presence/bridge/request/signout", '{"account":"alice"}')
        await expect(page.get_by_text("Sign-in needed", exact=True).first).to_be_visible()
        tile = page.locator("hui-tile-card").filter(has=page.get_by_text("Sign in", exact=True))
        await tile.click()
        waiting = await hass.until_state(SIGN_IN, "device_code_pending")
        code = waiting["attributes"]["user_code"]
        await expect(page.get_by_text(code)).to_be_visible()
        await enter_code(page, code)
        await expect(page.get_by_text("signed_in", exact=True)).to_be_visible()

        await home.call()
        await hass.until_state(DOOR, "on", rgb_color=[255, 0, 0])
        await expect(page.get_by_text("In a call since").first).to_be_visible()
        await expect(page.get_by_text("Minutes of the week")).to_be_visible()
        await home.hang_up()
        await hass.until_state(DOOR, "off")
    counted = {one["statistic_id"] for one in await hass.command("recorder/list_statistic_ids")}
    assert {"sensor.teams_alice_calls_today", "sensor.teams_alice_meetings_today"} <= counted
