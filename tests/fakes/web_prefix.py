"""A reverse proxy as Home Assistant's ingress is one: the page below a prefix, in a frame."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

PREFIX = "/api/hassio_ingress/abc123"
FRAME = f"""<!doctype html>
<title>Home</title>
<link rel="icon" href="data:,">
<iframe src="{PREFIX}/" width="400" height="800"></iframe>
"""
_NOT_PASSED_ON = {"transfer-encoding", "content-length", "connection", "date"}


@asynccontextmanager
async def ingress(target: str) -> AsyncIterator[str]:
    """The address of a page that frames ``target``."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def forward(request: web.Request) -> web.StreamResponse:
            path = request.rel_url.path_qs.removeprefix(f"{PREFIX}/")
            async with session.request(
                request.method,
                f"{target}{path}",
                headers={
                    **{k: v for k, v in request.headers.items() if k.lower() != "host"},
                    "X-Ingress-Path": PREFIX,
                    "X-Forwarded-For": request.remote or "",
                    "X-Forwarded-Host": request.host,
                    "X-Forwarded-Proto": request.scheme,
                },
                data=await request.read(),
                allow_redirects=False,
            ) as answer:
                response = web.StreamResponse(status=answer.status)
                for key, value in answer.headers.items():
                    if key.lower() not in _NOT_PASSED_ON:
                        response.headers.add(key, value)
                await response.prepare(request)
                async for piece in answer.content.iter_any():
                    await response.write(piece)
                return response

        async def frame(_: web.Request) -> web.Response:
            return web.Response(text=FRAME, content_type="text/html")

        application = web.Application()
        application.router.add_get("/", frame)
        application.router.add_route("*", f"{PREFIX}/{{path:.*}}", forward)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
        finally:
            await runner.cleanup()
