"""The stored sign-in of a person: tokens in a file, and new ones from Microsoft for them."""

from __future__ import annotations

import errno
import shlex
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bridge.config.unreadable_file import unreadable
from bridge.contract.errors import PersonMustActError, SourceUnavailableError
from bridge.microsoft.sign_in.cache_entries import good_token, mark
from bridge.microsoft.sign_in.encryption import OtherKeyError
from bridge.microsoft.sign_in.flow import Granted
from bridge.microsoft.sign_in.genuine_answers import Answer
from bridge.microsoft.sign_in.identity import Identity
from bridge.microsoft.sign_in.msal_client import MsalWorkers
from bridge.microsoft.sign_in.registration import PublicApp
from bridge.microsoft.sign_in.remedies_table import NO_REFRESH_TOKEN
from bridge.microsoft.sign_in.token_cache import TokenCache

PERMANENT = {errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ELOOP}
"""What a disk repeats until somebody acts."""


class UnreadableCacheError(Exception):
    """A token cache is there, and this user cannot read it."""

    def __init__(self, file: Path, error: OSError) -> None:
        super().__init__(file)
        away = f"mv {shlex.quote(str(file))} {shlex.quote(f'{file}.odd')}"
        self.why = unreadable(file, error, otherwise=away)


class StoredSignIn:
    """One person's tokens; all of it runs on the one worker of their cache."""

    def __init__(
        self, app: PublicApp, *, workers: MsalWorkers, cache: TokenCache, scopes: Sequence[str]
    ) -> None:
        self._app, self._cache, self._scopes = app, cache, list(scopes)
        self._client = workers.client(
            lambda requests: app.open(cache.tokens, requests), file=cache.file
        )

    async def renew(self, *, claims: str | None, refresh: bool, any_age: bool) -> Answer | None:
        """A token, or a refusal; nothing when nobody is stored.

        With ``any_age`` one that should be renewed will do while Microsoft cannot be reached.

        Raises:
            OtherKeyError: The file is encrypted, and not with our key.
            UnreadableCacheError: The file cannot be read until somebody acts.
            SourceUnavailableError: Microsoft, or the disk, does not answer now.
        """
        try:
            if not await self._client.run(self._cache.somebody):
                return None
        except OSError as error:
            if error.errno not in PERMANENT:
                raise SourceUnavailableError(
                    f"The stored sign-in cannot be read: {self._cache.file}: {error.strerror}",
                    reached=False,
                ) from error
            raise UnreadableCacheError(self._cache.file, error) from error
        if claims is None and not refresh and (good := await self._client.run(self._good_token)):
            return good
        will_do = (SourceUnavailableError,) if any_age else ()

        def silently(app: Any) -> Answer | None:
            accounts = app.get_accounts()
            if not accounts:
                return None
            acquire = partial(
                app.acquire_token_silent_with_error,
                self._scopes,
                account=accounts[0],
                claims_challenge=claims,
                http_exceptions=will_do,
            )
            answer: Answer | None = acquire(force_refresh=refresh)
            if answer is None and refresh:  # nothing can renew it; it may be good nevertheless
                answer = acquire()
            if answer and "access_token" in answer:
                mark(self._cache.tokens, answer, self._app.authority)
            self._cache.save()
            if answer is None and self._cache.has_any_of(self._app.client_id):
                return {"error": NO_REFRESH_TOKEN}
            return answer

        return await self._client.ask(silently)

    async def who(self) -> Identity | None:
        """Whom it belongs to; ``None`` where nobody is stored, or it cannot be read."""
        try:
            return await self._client.run(self._cache.who)
        except (OSError, OtherKeyError):
            return None

    async def adopt(self, granted: Granted) -> Answer:
        """Store what was ``granted`` instead."""
        mark(granted.tokens, granted.answer, self._app.authority)
        await self._client.run(self._cache.replace, granted.tokens)
        self._scopes = list(granted.scopes)
        self._client.forget()
        return granted.answer

    async def delete(self) -> None:
        """Forget everything; or nothing, with a ``PersonMustActError``, where the file stays."""
        try:
            await self._client.run(self._cache.delete)
        except OSError as error:
            raise PersonMustActError(
                f"The stored sign-in cannot be deleted: {error.strerror}.",
                remedy=f"Let this user write in {self._cache.file.parent}.",
            ) from error
        self._client.forget()

    def interrupt(self) -> None:
        """End a request that hangs."""
        self._client.interrupt()

    def _good_token(self) -> Answer | None:
        return good_token(
            self._cache.entries,
            client_id=self._app.client_id,
            authority=self._app.authority,
            scopes=self._scopes,
            now_s=time.time(),
        )
