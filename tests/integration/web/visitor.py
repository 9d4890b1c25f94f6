"""Uses the page as somebody without a script would."""

from __future__ import annotations

import asyncio
import re

import aiohttp

TOKEN = re.compile(r'name="token" value="([^"]*)"')


async def read(client: aiohttp.ClientSession, path: str = "./", *, host: str | None = None) -> str:
    """The page's markup; ``host`` is the name it is asked by."""
    async with client.get(path, headers={"Host": host} if host else None) as answer:
        return await answer.text()


async def until(client: aiohttp.ClientSession, text: str) -> str:
    """The page's markup as soon as it holds ``text``."""
    async with asyncio.timeout(5):
        while text not in (page := await read(client)):  # noqa: ASYNC110 - it wakes nobody
            await asyncio.sleep(0.01)
    return page


async def token_of(client: aiohttp.ClientSession) -> str:
    """The token in the forms of the page."""
    [token] = {str(found) for found in TOKEN.findall(await read(client))}
    return token


async def press(client: aiohttp.ClientSession, path: str, **fields: str) -> aiohttp.ClientResponse:
    """Send a form of the page; the answer is read and not followed."""
    data = {"token": await token_of(client), **fields}
    async with client.post(path, data=data, allow_redirects=False) as answer:
        await answer.read()
        return answer
