"""The page of the running bridge, and what a person does on it in a real Chromium."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from playwright.async_api import Browser, Locator, Page, expect

from tests.fakes.forks import Program
from tests.fakes.mosquitto import free_port
from tests.fakes.subscriber import subscriber
from tests.integration.web.browsing import findings, live, opened

if TYPE_CHECKING:
    from tests.e2e.conftest import Stage

NARROW, PHONE = {"width": 320, "height": 640}, {"width": 393, "height": 852}
STATE, AVAILABILITY = "presence/account/alice/state", "presence/account/alice/availability"
BEYOND = """() => [...document.querySelectorAll("main, main *")]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth)
    .map((one) => one.outerHTML.slice(0, 100))
    .concat(document.documentElement.scrollWidth > innerWidth ? ["scrolls sideways"] : [])"""


@dataclass
class Home:
    """One household: the bridge with its page, on a stage, and a browser."""

    stage: Stage
    chrome: Browser
    port: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def configure(self, extra: str = "", *, web: str = "") -> None:
        """As the stage does, with a page; ``web`` stands in ``[web]``."""
        self.stage.configure(extra, web=f"port = {self.port}\n{web}")

    async def start(self) -> Program:
        """The bridge, once its page can be visited."""
        bridge = self.stage.start("bridge", "run")
        await self.listens(bridge)
        return bridge

    async def listens(self, bridge: Program, *, times: int = 1) -> None:
        await self.stage.until_logged(bridge, "the page is at", times=times)

    async def open(self, **options: Any) -> Page:
        """A browser at the page's address, whatever it finds there."""
        return await opened(self.chrome, self.address, ignore_https_errors=True, **options)

    async def visit(self, **options: Any) -> Page:
        """A browser on the page of people, which gets news."""
        page = await self.open(**options)
        await live(page)
        return page


def card(page: Page, account: str = "alice") -> Locator:
    return page.locator(f"#person-{account}")


async def shows(page: Page, words: str, account: str = "alice") -> None:
    """Wait until the card of ``account`` says ``words``."""
    await expect(card(page, account).locator(".state")).to_have_text(words)


async def is_green(page: Page, account: str = "alice") -> None:
    """Wait until the card of ``account`` says and shows that they are available."""
    await shows(page, "Available", account)
    color = (
        await card(page, account).locator("svg circle").evaluate("e => getComputedStyle(e).fill")
    )
    red, green, blue = (int(part) for part in color.removeprefix("rgb(").rstrip(")").split(","))
    assert green > red + 50, color
    assert green > blue + 50, color


async def enter_code(page: Page, account: str = "alice", *, upn: str = "alice@contoso.com") -> None:
    """Do at Microsoft what the card says: open the address, type the code, sign in."""
    async with page.expect_popup() as opening:
        await card(page, account).get_by_role("link").click()
    microsoft = await opening.value
    await microsoft.get_by_label("Code").fill(
        await card(page, account).locator(".code").inner_text()
    )
    await microsoft.get_by_label("Sign in as").select_option(upn)
    await microsoft.get_by_role("button", name="Continue").click()
    await expect(microsoft.get_by_role("heading")).to_have_text("Signed in")
    await microsoft.close()


async def is_fit(page: Page) -> None:
    """Nothing for axe to find, and nothing beyond the right edge, where a card would cut it."""
    found = await findings(page)
    assert not found, found
    beyond = await page.evaluate(BEYOND)
    assert not beyond, beyond


async def stored(port: int) -> set[str]:
    """The topics of all that whoever comes now finds on the broker."""
    async with subscriber(port) as fresh:
        await fresh.publish("that/is/all", "")  # comes after what is stored
        await fresh.until("that/is/all")
        return {heard.topic for heard in fresh.heard if heard.retain}
