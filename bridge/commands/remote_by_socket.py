"""Asks the running service by its socket on this machine, and reads what it answers anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from bridge.config import state_dir
from bridge.config.tables.config import Config
from bridge.contract.account import Letter, SignIn, SignInState, Way
from bridge.contract.errors import ContractError, PersonMustActError, TryAgainError
from bridge.contract.wire import decode_json, encode_json
from bridge.service import local_socket

ANSWER_S = 10.0
API = "http://localhost/api/v1/"
LINE_LIMIT = 64 * 1024
"""Bytes of one state of a sign-in."""
ENDED = "the service ended before it answered; ask again when it runs."
SILENT = "the service runs, and did not answer in time; if that goes on, restart it."
_SHOWN = (
    *("user_code", "verification_uri", "message", "remedy", "who", "correlation_id"),
    *("signed_in_as", "newcomer", "aadsts", "mend_url"),
)


@asynccontextmanager
async def on_this_machine(
    config: Config, *, answer_s: float = ANSWER_S
) -> AsyncIterator[OverSocket | None]:
    """The service that works on the state folder of ``config``; ``None`` when none listens there.

    Raises:
        ConfigError: This user may not ask it.
        TryAgainError: It hangs.
    """
    with ExitStack() as stack:
        path = await _listening(config.state_dir, stack, answer_s)
        if path is None:
            yield None
            return
        async with aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=str(path)),
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=LINE_LIMIT,
        ) as session:
            yield OverSocket(session, answer_s)


class OverSocket:
    """The service, as it answers on its socket."""

    def __init__(self, session: aiohttp.ClientSession, answer_s: float) -> None:
        self._session, self._answer_s = session, answer_s

    async def ask(self, command: str, **fields: str) -> Any:
        """Send one request; the data of its answer."""
        answer = await self._request("POST", f"requests/{command}", encode_json(fields))
        return data_of(_read(answer))

    async def sign_in(self, slug: str, way: Way) -> AsyncGenerator[SignIn, None]:
        """Begin to sign in; each state of it."""
        await self.ask("signin", account=slug, way=way.value)
        try:
            async with self._session.get(f"{API}sign-ins/{slug}") as response:
                if response.status != HTTPStatus.OK:
                    raise _other_release()
                async for line in response.content:
                    yield read_sign_in(line)
        except (aiohttp.ClientError, ConnectionError) as error:
            raise TryAgainError(ENDED) from error
        raise TryAgainError(ENDED)

    async def people(self) -> list[Mapping[str, Any]]:
        """Everybody who is followed, as on the page."""
        body = await self._request("GET", "people")
        people: list[Mapping[str, Any]] = _read(b'{"people":%b}' % body)["people"]
        return people

    async def broker(self) -> Mapping[str, Any]:
        """What the broker announced to the service, and what is wrong there."""
        return _read(await self._request("GET", "broker"))

    async def sign_in_of(self, slug: str) -> Mapping[str, Any] | None:
        """Where the sign-in of an account or table stands; ``None`` if it is not followed."""
        async with (
            _answering(self._answer_s),
            self._session.get(f"{API}sign-ins/{slug}") as response,
        ):
            if response.status == HTTPStatus.NOT_FOUND:
                return None
            return _read(await response.content.readline())
        raise AssertionError("it raises or returns")

    async def _request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        async with (
            _answering(self._answer_s),
            self._session.request(method, f"{API}{path}", data=body) as response,
        ):
            if response.status != HTTPStatus.OK:
                raise _other_release()
            return await response.read()
        raise AssertionError("it raises or returns")


@asynccontextmanager
async def _answering(answer_s: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(answer_s):
            yield
    except TimeoutError as error:
        raise TryAgainError(SILENT) from error
    except (aiohttp.ClientError, ConnectionError) as error:
        raise TryAgainError(ENDED) from error


async def _listening(folder: Path, stack: ExitStack, answer_s: float) -> Path | None:
    """The socket of ``folder`` as long as ``stack`` is open; ``None`` when nobody listens."""
    try:
        path = stack.enter_context(local_socket.address(folder))
        async with asyncio.timeout(answer_s):
            _, writer = await asyncio.open_unix_connection(str(path))
    except TimeoutError as error:
        raise TryAgainError(SILENT) from error
    except PermissionError as error:
        raise state_dir.refused(folder, error) from error
    except OSError:  # not there, or left by a service that was killed
        return None
    writer.close()
    return path


def _other_release() -> PersonMustActError:
    return PersonMustActError(
        "the service's answer is not understood: it is of another release than this command.",
        remedy="Restart it.",
    )


def _read(body: bytes) -> dict[str, Any]:
    try:
        return decode_json(body)
    except ContractError:
        raise _other_release() from None


def data_of(answer: Mapping[str, Any]) -> Any:
    """The data of an answer. Raises ``PersonMustActError`` for a refusal."""
    if answer.get("status") != "ok":
        reason = str(answer.get("error")).rstrip(".")
        raise PersonMustActError(f"the running service refused: {reason}.", remedy="")
    return answer.get("data")


def read_sign_in(payload: bytes) -> SignIn:
    """A sign-in, as far as commands show it; signed out where ``payload`` cannot be read."""
    try:
        fields = decode_json(payload)
        state = SignInState(fields.get("state", SignInState.SIGNED_OUT))
        ends = fields.get("expires_at")
        return SignIn(
            state,
            expires_at=datetime.fromisoformat(ends) if ends else None,
            letter=Letter(**letter) if (letter := fields.get("letter")) else None,
            also_on=tuple(fields.get("also_on") or ()),
            **{key: fields.get(key) for key in _SHOWN},
        )
    except (ContractError, TypeError, ValueError):
        return SignIn()
