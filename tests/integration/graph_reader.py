"""A client of Graph with a token of its own, for tests of the simulated Microsoft."""

from __future__ import annotations

from typing import Any

import aiohttp

from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import App, Person
from tests.fakes.microsoft.tokens import AccessToken

BULK = "/v1.0/communications/getPresencesByUserId"


class Reader:
    """Asks Graph; ``headers`` are those of the last answer."""

    def __init__(self, http: aiohttp.ClientSession, microsoft: ScriptedMicrosoft, app: App) -> None:
        self._http, self._microsoft, self._app = http, microsoft, app
        self.token: AccessToken | None = None
        self.headers: dict[str, str] = {}

    def hold(
        self, *permissions: str, person: Person | None = None, continuous: bool = False
    ) -> None:
        """Get a token, for ``person`` or for the app itself."""
        self.token = self._microsoft.tokens.issue_access(
            client_id=self._app.client_id,
            tenant_id=self._app.tenant_id,
            oid=person.oid if person else None,
            permissions=frozenset(permissions),
            continuous=continuous,
        )

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        return await self.ask("GET", path)

    async def post(self, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        """Status and body."""
        return await self.ask("POST", path, json=body)

    async def bulk(self, ids: Any) -> tuple[int, dict[str, Any]]:
        """Status and body of getPresencesByUserId."""
        return await self.post(BULK, {"ids": ids})

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
        """Status and body; an empty body is an empty object."""
        headers = {"client-request-id": "mine-1"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token.value}"
        async with self._http.request(method, path, headers=headers, **more) as answer:
            self.headers = dict(answer.headers)
            body: dict[str, Any] = await answer.json() if answer.content_length else {}
            return answer.status, body
