"""A phone with the Home Assistant app: gets notifications, and its buttons can be pressed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.homeassistant.client import DEADLINE_S, HomeAssistant

NAME = "Alice's phone"
Notification = dict[str, Any]


@dataclass
class Phone:
    """One phone; ``heard`` are its notifications, the newest last."""

    heard: list[Notification] = field(default_factory=list)
    webhook: str = ""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def push(self, request: web.Request) -> web.Response:
        """What Google's and Apple's services do for Home Assistant."""
        async with self._news:
            self.heard.append(await request.json())
            self._news.notify_all()
        return web.json_response({}, status=201)

    async def until(
        self, matches: Callable[[Notification], Any], *, since: int = 0
    ) -> Notification:
        """The first notification from index ``since`` on that ``matches``."""
        try:
            async with asyncio.timeout(DEADLINE_S), self._news:
                while True:
                    for heard in self.heard[since:]:
                        if matches(heard):
                            return heard
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no such notification; heard: {self.heard[since:]}") from None

    async def press(self, hass: HomeAssistant, action: str) -> None:
        """Press the button with that action below a notification."""
        event = {"event_type": "mobile_app_notification_action", "event_data": {"action": action}}
        body = {"type": "fire_event", "data": event}
        await hass.rest("POST", f"/api/webhook/{self.webhook}", body)


@asynccontextmanager
async def paired(hass: HomeAssistant, port: int) -> AsyncIterator[Phone]:
    """A phone whose app is signed in to Home Assistant, until the end of the block."""
    phone = Phone()
    app = web.Application()
    app.router.add_post("/push", phone.push)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    app_data = {"push_token": "of-this-test", "push_url": f"http://127.0.0.1:{port}/push"}
    registered = await hass.rest(
        "POST",
        "/api/mobile_app/registrations",
        {
            "device_id": "phone",
            "app_id": "io.robbie.HomeAssistant",
            "app_name": "Home Assistant",
            "app_version": "2026.11",
            "device_name": NAME,
            "manufacturer": "Maker",
            "model": "Phone",
            "os_name": "Android",
            "os_version": "16",
            "supports_encryption": False,
            "app_data": app_data,
        },
    )
    phone.webhook = registered["webhook_id"]
    try:
        yield phone
    finally:
        await runner.cleanup()
