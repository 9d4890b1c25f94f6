"""Blueprints and automations, made as the frontend makes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from tests.fakes.mosquitto import free_port
from tests.homeassistant.client import HomeAssistant

SHIPPED = Path(__file__).parents[2] / "home-assistant"
BLUEPRINTS = SHIPPED / "blueprints/automation/presence_bridge"


@asynccontextmanager
async def offered() -> AsyncIterator[str]:
    """The address below which the blueprints can be imported, until the end of the block."""
    app = web.Application()
    app.router.add_static("/", BLUEPRINTS)
    runner, port = web.AppRunner(app), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def import_all(hass: HomeAssistant) -> None:
    """Import every blueprint by its link, as *My Home Assistant* does."""
    async with offered() as address:
        for file in sorted(BLUEPRINTS.glob("*.yaml")):
            found = await hass.command("blueprint/import", url=f"{address}/{file.name}")
            assert found["validation_errors"] is None, found["validation_errors"]
            await hass.command(
                "blueprint/save",
                domain="automation",
                path=f"presence_bridge/{file.stem}",
                yaml=found["raw_data"],
                source_url=found["blueprint"]["metadata"]["source_url"],
            )


class Home(Protocol):
    """Where Home Assistant runs; after a restart with another connection."""

    hass: HomeAssistant


@asynccontextmanager
async def automation(home: Home, name: str, **config: Any) -> AsyncIterator[str]:
    """An automation that is there until the end of the block; its entity id."""
    path, entity_id = f"/api/config/automation/config/{name}", f"automation.{name}"
    await home.hass.rest("POST", path, {"alias": name, **config})
    try:
        await home.hass.until_state(entity_id, "on")
        yield entity_id
    finally:
        hass = home.hass
        await hass.rest("DELETE", path)
        await hass.until(entity_id, lambda: entity_id not in hass.states)


def by_blueprint(blueprint: str, **inputs: Any) -> dict[str, Any]:
    """The config of an automation from one of our blueprints."""
    path = f"presence_bridge/{blueprint}.yaml"
    return {"use_blueprint": {"path": path, "input": inputs}}
