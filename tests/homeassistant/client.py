"""A client of Home Assistant's own API, as its frontend uses it. Waits for what a test expects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp

from tests.fakes.tasks import end

DEADLINE_S = 30.0
State = dict[str, Any]


class RefusedError(Exception):
    """Home Assistant refused a request; the text says why."""


@dataclass
class HomeAssistant:
    """One authenticated connection; ``states`` are those of now, ``notifications`` those shown."""

    url: str
    token: str
    session: aiohttp.ClientSession
    socket: aiohttp.ClientWebSocketResponse
    states: dict[str, State] = field(default_factory=dict)
    notifications: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: count(1))
    _answers: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    _listeners: dict[int, Callable[[dict[str, Any]], None]] = field(default_factory=dict)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def command(self, kind: str, **fields: Any) -> Any:
        """The result of one command of the websocket."""
        return await self._send(next(self._ids), kind, fields)

    async def subscribe(
        self, kind: str, listener: Callable[[dict[str, Any]], None], **fields: Any
    ) -> None:
        """Give each event of a subscription to ``listener``."""
        number = next(self._ids)
        self._listeners[number] = listener
        await self._send(number, kind, fields)

    async def _send(self, number: int, kind: str, fields: dict[str, Any]) -> Any:
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": number, "type": kind, **fields})
        async with asyncio.timeout(DEADLINE_S):
            return await answer

    async def listen(self) -> None:
        """Take what comes until the connection ends."""
        async for message in self.socket:
            heard = message.json()
            if heard["type"] == "event":
                async with self._news:
                    self._listeners[heard["id"]](heard["event"])
                    self._news.notify_all()
            elif heard["type"] == "result":
                self._answer(self._answers.pop(heard["id"]), heard)

    @staticmethod
    def _answer(waiting: asyncio.Future[Any], heard: dict[str, Any]) -> None:
        if waiting.done():
            return
        if heard["success"]:
            waiting.set_result(heard["result"])
        else:
            waiting.set_exception(RefusedError(str(heard["error"])))

    async def follow(self) -> None:
        """Keep ``states``, ``events`` and ``notifications`` current."""
        await self.subscribe("subscribe_events", self._changed, event_type="state_changed")
        await self.subscribe("subscribe_events", self.events.append, event_type="call_service")
        await self.subscribe("persistent_notification/subscribe", self._notified)
        for state in await self.command("get_states"):
            self.states.setdefault(state["entity_id"], state)

    def _changed(self, event: dict[str, Any]) -> None:
        entity, new = event["data"]["entity_id"], event["data"]["new_state"]
        if new is None:
            self.states.pop(entity, None)
        else:
            self.states[entity] = new

    def _notified(self, event: dict[str, Any]) -> None:
        for name, notification in event["notifications"].items():
            if event["type"] == "removed":
                self.notifications.pop(name, None)
            else:
                self.notifications[name] = notification

    async def until(
        self, what: str, matches: Callable[[], Any], *, deadline_s: float = DEADLINE_S
    ) -> Any:
        """Wait until ``matches`` gives something true of what was heard, and return that."""
        try:
            async with asyncio.timeout(deadline_s), self._news:
                while not (found := matches()):
                    await self._news.wait()
                return found
        except TimeoutError:
            entity = self.states.get(what)
            raise AssertionError(
                f"{what}: not as expected, but {entity}; shown: {self.notifications}"
            ) from None

    async def until_state(self, entity_id: str, *wanted: str, **attributes: Any) -> State:
        """Wait until ``entity_id`` has one of the states and all of the attributes."""

        def as_wanted() -> State | None:
            state = self.states.get(entity_id)
            if state is None or (wanted and state["state"] not in wanted):
                return None
            shown = state["attributes"]
            fits = all(shown.get(name) == value for name, value in attributes.items())
            return state if fits else None

        found: State = await self.until(entity_id, as_wanted)
        return found

    async def call(self, action: str, entity_id: str | None = None, **data: Any) -> None:
        """Perform an action, as a person in front of the frontend does."""
        domain, name = action.split(".")
        target = {"target": {"entity_id": entity_id}} if entity_id else {}
        await self.command("call_service", domain=domain, service=name, service_data=data, **target)

    async def rest(self, method: str, path: str, body: Any = None) -> Any:
        """One request of the REST API."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.request(
            method, self.url + path, json=body, headers=headers
        ) as answer:
            if answer.status >= 400:
                raise RefusedError(f"{method} {path}: {answer.status} {await answer.text()}")
            return await answer.json(content_type=None)


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[HomeAssistant]:
    """Connected to a Home Assistant that runs, until the end of the block."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/api/websocket", max_msg_size=0) as socket,
    ):
        await socket.receive_json()  # it wants to know who we are
        await socket.send_json({"type": "auth", "access_token": token})
        answer = await socket.receive_json()
        if answer["type"] != "auth_ok":
            raise RefusedError(str(answer))
        built = HomeAssistant(url, token, session, socket)
        listening = asyncio.create_task(built.listen(), name="home assistant")
        try:
            await built.follow()
            yield built
        finally:
            await end(listening)
