"""Signing in and out on the page of the running bridge: by each way, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable

from playwright.async_api import Locator, Page, Route, expect

from tests.e2e.page_stage import (
    AVAILABILITY,
    NARROW,
    Home,
    card,
    enter_code,
    is_fit,
    is_green,
    shows,
)
from tests.integration.web.browsing import complaints, live

AUTH = "presence/account/alice/auth"
ELSEWHERE = "<title>localhost</title><h1>This site cannot be reached</h1>"

FOCUSED = "(e => e.getAttribute('aria-label') || e.innerText || '')(document.activeElement)"


async def focused(page: Page) -> Locator:
    """What Tab leads to next."""
    await page.keyboard.press("Tab")
    return page.locator(":focus")


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until ``name`` has the focus, as somebody without a mouse does."""
    for _ in range(40):
        await page.keyboard.press("Tab")  # once more where what had the focus has just gone
        if name in await page.evaluate(FOCUSED):
            return
    raise AssertionError(f"Tab never came to {name!r}")


async def open_microsoft(page: Page) -> Page:
    """Follow the link on Alice's card."""
    async with page.expect_popup() as opening:
        await card(page).get_by_role("link", name="Open Microsoft's sign-in").click()
    return await opening.value


async def on_another_machine(page: Page) -> Callable[[], str]:
    """From now on ``localhost`` is not the bridge's machine; gives the address it ended on."""
    ended: list[str] = []

    async def accept(route: Route) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        answer = await route.fetch(max_redirects=0)
        ended.append(answer.headers["location"])
        await route.fulfill(status=200, content_type="text/html; charset=utf-8", body=ELSEWHERE)

    await page.context.route("**/oauth2/v2.0/authorize*", accept)
    return lambda: ended[-1]


async def test_with_a_code_by_keyboard_alone_on_a_narrow_phone(home: Home) -> None:
    await home.start()
    page = await home.visit(viewport=NARROW)
    await expect(page.locator(".code")).to_be_visible()
    await is_fit(page)
    async with page.expect_popup() as opening:
        await tab_to(page, "localhost:")
        await page.keyboard.press("Enter")
    microsoft = await opening.value
    code = await page.locator(".code").inner_text()
    await expect(microsoft.get_by_role("heading")).to_have_text("Enter code")
    await microsoft.keyboard.press("Tab")
    await expect(microsoft.get_by_label("Code")).to_be_focused()
    await microsoft.keyboard.type(code)
    await microsoft.keyboard.press("Enter")
    await expect(microsoft.get_by_role("heading")).to_have_text("Signed in")
    await is_green(page)
    await home.stage.mqtt.until_text(AVAILABILITY, "online")

    await tab_to(page, "Sign out Alice")
    await page.keyboard.press("Enter")
    await expect(await focused(page)).to_have_text("Yes, sign out")
    await page.keyboard.press("Enter")
    await shows(page, "Not signed in")
    await home.stage.mqtt.until(AUTH, lambda h: h.json["state"] == "signed_out")
    await tab_to(page, "Sign in with a code: Alice")
    await page.keyboard.press("Enter")
    await expect(page.locator(".code")).to_be_visible()
    assert await page.locator(".code").inner_text() != code
    await is_fit(page)
    assert complaints(page) == []


async def test_in_a_browser_elsewhere_with_a_wrong_paste_first(home: Home) -> None:
    bridge = await home.start()
    page = await home.visit()
    ended = await on_another_machine(page)
    await card(page).get_by_role("button", name="Sign in with a browser").click()
    await live(page)
    address = card(page).get_by_label("Address of the last page")
    await expect(address).to_be_visible()
    await is_fit(page)

    microsoft = await open_microsoft(page)
    for wrong, told in (
        (microsoft.url, "That is not the address that the browser ended on."),
        ("http://localhost/?code=x&state=y", "That address belongs to another sign-in."),
    ):
        await address.fill(wrong)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text(told)
        await live(page)
        await is_fit(page)

    await microsoft.get_by_label("Sign in as").select_option("alice@contoso.com")
    await microsoft.get_by_role("button", name="Accept").click()
    await expect(microsoft.get_by_role("heading")).to_contain_text("cannot be reached")
    await address.fill(f"  {ended()} ")
    await page.get_by_role("button", name="Finish signing in").click()
    await is_green(page)
    await home.stage.mqtt.until_text(AVAILABILITY, "online")
    assert [told for told in complaints(page) if "422" not in told] == []
    code = ended().partition("code=")[2].partition("&")[0]
    assert len(code) > 20
    assert code not in home.stage.log(bridge)
    assert not [h for h in home.stage.mqtt.heard if code.encode() in h.payload]


async def test_in_a_browser_on_the_same_machine_which_comes_back_by_itself(home: Home) -> None:
    home.configure('sign_in = "browser"')
    await home.start()
    page = await home.visit()
    microsoft = await open_microsoft(page)
    await microsoft.get_by_role("button", name="Accept").click()
    await expect(microsoft.locator("p")).to_contain_text("You can close this page")
    await is_green(page)


async def test_a_code_that_is_not_used_or_declined_is_reported_and_replaced(home: Home) -> None:
    home.stage.microsoft.codes.expires_in_s = 1
    await home.start()
    page = await home.visit()
    trouble, code = card(page).locator(".trouble"), page.locator(".code")
    await shows(page, "Sign-in has ended")
    await expect(trouble).to_contain_text("The code expired before anybody entered it")
    await expect(trouble).to_contain_text("Start the sign-in again and enter the new code")
    await expect(trouble).to_contain_text("Who must act: you.")
    await expect(code).to_have_count(0)
    await is_fit(page)

    home.stage.microsoft.codes.expires_in_s = 900
    again = card(page).get_by_role("button", name="Sign in with a code")
    await again.click()
    home.stage.microsoft.decline(await code.inner_text())
    await expect(trouble).to_contain_text("The sign-in was declined.")
    await expect(trouble).to_contain_text("Sign in again and accept.")
    await again.click()
    await expect(trouble).to_have_count(0)
    await enter_code(page)
    await is_green(page)


async def test_signing_out_asks_once_more_and_takes_the_lamp_its_presence(home: Home) -> None:
    home.stage.microsoft.auto_approve(home.stage.home.person)
    await home.start()
    page = await home.visit()
    await is_green(page)
    tokens = home.stage.folder / "state" / "tokens" / "alice.json"
    assert tokens.exists()
    home.stage.microsoft.auto_approve(None)
    since = len(home.stage.mqtt.heard)
    await card(page).get_by_label("Sign out Alice").click()
    await is_fit(page)
    await page.get_by_role("button", name="Yes, sign out").click()
    await shows(page, "Not signed in")
    await home.stage.mqtt.until_text(AVAILABILITY, "offline", since=since)
    assert not tokens.exists()
    assert home.stage.microsoft.codes.pending == []


async def test_somebody_else_than_before_is_asked_about_and_kept_on_the_card(home: Home) -> None:
    stage = home.stage
    stage.home.directory.add_person(stage.home.tenant, "bob@contoso.com", name="Bob")
    await home.start()
    page = await home.visit()
    await enter_code(page)
    await is_green(page)
    await expect(card(page)).to_contain_text("Signed in as alice@contoso.com")

    await stage.mqtt.publish("presence/bridge/request/signin", '{"account": "alice"}')
    await expect(page.locator(".code")).to_be_visible()
    await enter_code(page, upn="bob@contoso.com")
    keep = card(page).get_by_role("button", name="Keep bob@contoso.com")
    await expect(keep).to_be_visible()
    await expect(card(page)).to_contain_text("so far alice@contoso.com was signed in for Alice.")
    await is_fit(page)
    await keep.click()
    await expect(card(page)).to_contain_text("Signed in as bob@contoso.com")
    await expect(keep).to_have_count(0)
    assert complaints(page) == []


async def test_a_blocked_code_is_followed_by_the_browser_with_the_message_to_the_admin(
    home: Home,
) -> None:
    home.stage.home.tenant.device_code_blocked = True
    await home.start()
    page = await home.visit()
    await enter_code(page)
    await expect(card(page).get_by_role("link", name="Open Microsoft's sign-in")).to_be_visible()
    await expect(card(page)).to_contain_text("Sign in with a browser instead.")
    await card(page).get_by_text("Message for the admin").click()
    await expect(card(page).locator("pre")).to_contain_text("AADSTS53003")
    await is_fit(page)
    microsoft = await open_microsoft(page)
    await microsoft.get_by_role("button", name="Accept").click()
    await is_green(page)
    assert complaints(page) == []
