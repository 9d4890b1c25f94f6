"""An ``Http`` with less patience than the product's. Never changes what is asked or answered."""

from __future__ import annotations

from dataclasses import replace

from bridge.microsoft.http import Http, HttpRequest, HttpResponse


class Hasty:
    """Sends through ``http`` and waits ``deadline_s`` for each answer."""

    def __init__(self, http: Http, deadline_s: float) -> None:
        self._http, self._deadline_s = http, deadline_s

    async def send(self, request: HttpRequest) -> HttpResponse:
        """The answer, if it comes in time."""
        return await self._http.send(replace(request, deadline_s=self._deadline_s))
