"""From nothing to a green card, as somebody who has never seen the project goes there."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import shutil
import tomllib
from pathlib import Path

from playwright.async_api import Page, expect

from tests.e2e.conftest import Stage
from tests.e2e.page_stage import (
    AVAILABILITY,
    NARROW,
    STATE,
    Home,
    enter_code,
    is_fit,
    is_green,
)
from tests.fakes.subscriber import subscriber
from tests.integration.web.browsing import complaints, live

MISTYPED = "1b2c3d4e-0000-4000-8000-123456789abc"
LINK = re.compile(r"http://[^/\s]+:\d+(/enter\?once=\S+)")
SHIPPED = Path(__file__).parents[2] / "config.toml"


def environment(home: Home, **more: str) -> dict[str, str]:
    """Where the simulated Microsoft is, which no config file of a person names."""
    microsoft = home.stage.microsoft
    given = {
        "WEB__PORT": str(home.port),
        "NETWORK__CA_FILE": str(microsoft.ca_file),
        "MICROSOFT__LOGIN_URL": microsoft.login_url,
        "MICROSOFT__GRAPH_URL": microsoft.graph_url,
        "STATE_DIR": str(home.stage.folder / "state"),
        **more,
    }
    return {f"PRESENCE_{name}": value for name, value in given.items()}


async def is_stored(stage: Stage) -> None:
    """Whoever comes now finds the presence on the broker."""
    async with subscriber(stage.broker.port, topic="presence/#") as fresh:
        state = await fresh.until(STATE)
        assert state.retain
        assert state.json["availability"] == "available"
        assert (await fresh.until_text(AVAILABILITY, "online")).retain


async def tell_registration(page: Page, home: Home) -> None:
    await expect(page.get_by_role("heading", name="App registration")).to_be_visible()
    await page.get_by_label("Application (client) ID").fill(home.stage.home.app.client_id)
    await page.get_by_label("Directory (tenant) ID").fill("contoso.com")
    await page.keyboard.press("Enter")


async def mistake_registration(page: Page, home: Home) -> None:
    """Each mistake that the real values can show, and the swapped ones put right."""
    await expect(page.get_by_role("heading", name="App registration")).to_be_visible()
    await is_fit(page)
    await page.get_by_label("Application (client) ID").fill(home.stage.home.app.client_id)
    await page.get_by_label("Directory (tenant) ID").fill("fabrikam.com")
    await page.keyboard.press("Enter")
    refused = page.get_by_role("alert")
    await expect(refused).to_contain_text("The tenant does not exist")
    await expect(refused).to_contain_text("Check the domain")
    await page.get_by_label("Application (client) ID").fill(MISTYPED)
    await page.get_by_label("Directory (tenant) ID").fill("contoso.com")
    await page.keyboard.press("Enter")
    await expect(refused).to_contain_text("AADSTS700016")
    await expect(page.get_by_label("Application (client) ID")).to_be_focused()
    await is_fit(page)
    await page.get_by_label("Application (client) ID").fill(home.stage.home.tenant.tenant_id)
    await page.get_by_label("Directory (tenant) ID").fill(home.stage.home.app.client_id)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Swap them and go on").click()


async def test_from_an_empty_folder_to_a_green_card(home: Home) -> None:
    folder = home.stage.folder / "empty"
    folder.mkdir()
    bridge = home.stage.start_in(folder, "bridge", "run", environ=environment(home))
    await home.listens(bridge)
    page = await home.open(viewport=NARROW)

    await expect(page.get_by_role("heading", name="Broker")).to_be_visible()
    await is_fit(page)
    await page.get_by_label("Port").fill("1")
    await page.get_by_role("button", name="Try it").click()
    await expect(page.get_by_role("alert")).to_contain_text("Nothing listens on port 1 of localho")
    await expect(page.get_by_label("Port")).to_be_focused()
    await page.get_by_label("Port").fill(str(home.stage.broker.port))
    await page.get_by_label("User name").fill("bridge")
    await page.get_by_label("Its password").fill("s3cret horse")
    await page.get_by_role("button", name="Try it").click()

    await mistake_registration(page, home)

    await expect(page.get_by_role("heading", name="First person")).to_be_visible()
    await is_fit(page)
    await page.get_by_label("Name").fill("Alice")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    await is_fit(page)

    await live(page)
    await expect(page.locator(".code")).to_be_visible()
    await is_fit(page)
    await enter_code(page)
    await is_green(page)
    await is_fit(page)
    await is_stored(home.stage)
    expected = ("422", "404", "ERR_CONNECTION_REFUSED")  # refusals; then it looks for the bridge
    assert not [told for told in complaints(page) if not any(e in told for e in expected)]
    written = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
    assert written["accounts"] == {"alice": {"name": "Alice"}}
    secret = folder / "secrets" / "mqtt_bridge"
    assert secret.read_text(encoding="utf-8").strip() == "s3cret horse"
    assert secret.stat().st_mode & 0o077 == 0
    assert "s3cret" not in home.stage.log(bridge)


async def test_from_the_shipped_config_to_a_green_card_as_in_a_container(home: Home) -> None:
    file = home.stage.config
    shutil.copy(SHIPPED, file)
    before = file.stat().st_ino
    password = home.stage.folder / "password"
    password.write_text("correct horse\n", encoding="utf-8")
    environ = environment(
        home,
        MQTT__HOST="127.0.0.1",
        MQTT__PORT=str(home.stage.broker.port),
        WEB__HOST="0.0.0.0",
        WEB__PASSWORD_FILE=str(password),
    )
    bridge = home.stage.start_in(home.stage.folder, "bridge", "run", environ=environ)
    await home.listens(bridge)
    page = await home.open()
    await page.get_by_label("Password of this page").fill("correct horse")
    await page.keyboard.press("Enter")

    await tell_registration(page, home)
    await page.get_by_label("Name").fill("Zoë")
    await page.keyboard.press("Enter")
    await live(page)
    await enter_code(page, "zoe")
    await is_green(page, "zoe")
    await home.stage.mqtt.until_text("presence/account/zoe/availability", "online")

    assert file.stat().st_ino == before  # it is mounted by itself: no other may take its place
    written = tomllib.loads(file.read_text(encoding="utf-8"))
    assert written["accounts"] == {"zoe": {"name": "Zoë"}}
    assert written["mqtt"] == {"host": "localhost"}
    assert "# history = true" in file.read_text(encoding="utf-8")


async def test_a_mistyped_client_id_is_taken_back_on_the_card(home: Home) -> None:
    home.configure()
    file, app = home.stage.config, home.stage.home.app.client_id
    right = file.read_text(encoding="utf-8")
    file.write_text(right.replace(f'"{app}"', f'"{MISTYPED}" # copied'), encoding="utf-8")
    bridge = await home.start()
    page = await home.visit(viewport=NARROW)
    await page.get_by_role("link", name="Change the app registration").click()
    await is_fit(page)
    client_id = page.get_by_label("Application (client) ID")
    await expect(client_id).to_have_value(MISTYPED)
    await client_id.fill("nonsense")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("The client id looks like")
    await expect(client_id).to_be_focused()
    await client_id.fill(app)
    await page.keyboard.press("Enter")

    await live(page)
    await expect(page.locator(".code")).to_be_visible()
    await enter_code(page)
    await is_green(page)
    await expect(page.get_by_role("link", name="Change the app registration")).to_have_count(0)
    assert "# copied" in file.read_text(encoding="utf-8")
    assert file.read_text(encoding="utf-8").replace(" # copied", "") == right
    await home.stage.until_logged(bridge, "restarting", times=0)


async def test_from_a_terminal_without_a_screen_to_a_phone(home: Home) -> None:
    folder = home.stage.folder / "headless"
    folder.mkdir()
    terminal, end = pty.openpty()
    environ = environment(home, MQTT__HOST="127.0.0.1", MQTT__PORT=str(home.stage.broker.port))
    bridge = home.stage.start_at(end, folder, "bridge", "run", environ=environ)
    os.close(end)
    try:
        assert "[y/N]" in await printed(terminal, "[y/N] ")
        os.write(terminal, b"y\n")
        invited = await printed(terminal, "with the password")
        found = LINK.search(invited)
        assert found
        assert "\u2584" in invited  # the square
        link = found[1]
        page = await home.open(viewport=NARROW)
        await expect(page.get_by_label("Password of this page")).to_be_visible()
        await page.goto(f"{home.address.rstrip('/')}{link}")
        await is_fit(page)
        await page.get_by_role("button", name="Open").click()
        await tell_registration(page, home)
        await page.get_by_label("Name").fill("Alice")
        await page.keyboard.press("Enter")
        await live(page)
        await enter_code(page)
        await is_green(page)
    finally:
        os.close(terminal)
    web = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))["web"]
    assert web == {"host": "0.0.0.0", "password_file": "secrets/web"}
    log = home.stage.log(bridge)
    assert link.rpartition("=")[2] not in log
    assert (folder / "secrets" / "web").read_text(encoding="utf-8").strip() not in log


async def printed(terminal: int, text: str) -> str:
    """What the terminal shows once ``text`` is there."""
    shown = b""
    async with asyncio.timeout(30):
        while text.encode() not in shown:
            shown += await asyncio.to_thread(os.read, terminal, 65_536)
    return shown.decode()


async def test_in_a_clone_the_page_fills_in_no_file_that_git_tracks(home: Home) -> None:
    stage, clone = home.stage, home.stage.folder / "clone"
    clone.mkdir()
    for name in ("config.toml", "docker-compose.yml"):
        shutil.copy(SHIPPED.with_name(name), clone)
    bridge = stage.start_in(clone, "bridge", "run", environ=environment(home))
    await stage.until_logged(bridge, "data/config.toml is not filled in yet", times=1)
