"""What a person does in a new Home Assistant: the owner, then the MQTT integration."""

from __future__ import annotations

from typing import Any

import aiohttp

from tests.homeassistant.client import HomeAssistant, connected

HOST = "127.0.0.1"


async def create_owner(url: str) -> str:
    """Create the owner and return a token that lasts."""
    client = f"{url}/"
    async with aiohttp.ClientSession(url, raise_for_status=True) as session:
        owner = {"name": "Owner", "username": "owner", "password": "of-this-test"}
        body = {"client_id": client, "language": "en", **owner}
        async with session.post("/api/onboarding/users", json=body) as answer:
            code = (await answer.json())["auth_code"]
        form = {"grant_type": "authorization_code", "code": code, "client_id": client}
        async with session.post("/auth/token", data=form) as answer:
            access = (await answer.json())["access_token"]
        async with session.post(
            "/api/onboarding/integration",
            json={"client_id": client, "redirect_uri": f"{client}?auth_callback=1"},
            headers={"Authorization": f"Bearer {access}"},
        ):
            pass
    async with connected(url, access) as first:
        token: str = await first.command(
            "auth/long_lived_access_token", client_name="tests", lifespan=365
        )
        return token


def _defaults(schema: list[dict[str, Any]]) -> dict[str, Any]:
    """What the frontend sends for the fields that nobody touches."""
    body: dict[str, Any] = {}
    for one in schema:
        selector = one.get("selector", {})
        if one.get("type") == "expandable":
            body[one["name"]] = _defaults(one["schema"])
        elif one.get("default") is not None:
            body[one["name"]] = one["default"]
        elif one.get("required") and "select" in selector:
            option = selector["select"]["options"][0]
            body[one["name"]] = option["value"] if isinstance(option, dict) else option
        elif one.get("required") and "boolean" in selector:
            body[one["name"]] = False
    return body


async def add_mqtt(hass: HomeAssistant, port: int) -> None:
    """Add the MQTT integration: Settings, Devices and services, Add integration."""
    flow = "/api/config/config_entries/flow"
    step = await hass.rest("POST", flow, {"handler": "mqtt", "show_advanced_options": False})
    while step["type"] != "create_entry":
        if step["type"] == "menu":
            body: dict[str, Any] = {"next_step_id": "broker"}
        else:
            assert step["type"] == "form", step
            assert not step.get("errors"), step
            body = _defaults(step["data_schema"]) | {"broker": HOST, "port": port}
        step = await hass.rest("POST", f"{flow}/{step['flow_id']}", body)
