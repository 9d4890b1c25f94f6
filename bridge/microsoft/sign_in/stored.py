"""The stored sign-in of a person: tokens in a file, and new ones from Microsoft for them."""

from __future__ import annotations

import errno
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge import __version__
from bridge.config.unreadable_file import unreadable
from bridge.contract.errors import PersonMustActError, SourceUnavailableError
from bridge.microsoft.sign_in.answers import Answer
from bridge.microsoft.sign_in.cache_entries import good_token, mark
from bridge.microsoft.sign_in.msal_client import MsalWorkers
from bridge.microsoft.sign_in.msal_requests import MsalRequests
from bridge.microsoft.sign_in.remedies_table import NO_REFRESH_TOKEN
from bridge.microsoft.sign_in.token_cache import TokenCache

if TYPE_CHECKING:
    import msal

CAPABILITIES = ["CP1"]
"""We answer claims challenges, so Microsoft may end a token early and let it live long
(Microsoft identity platform, "continuous access evaluation")."""
PERMANENT = {errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ELOOP}
"""What a disk repeats until somebody acts."""


class UnreadableCacheError(Exception):
    """A token cache is there, and this user cannot read it."""

    def __init__(self, file: Path, error: OSError) -> None:
        super().__init__(file)
        away = f"mv {shlex.quote(str(file))} {shlex.quote(f'{file}.odd')}"
        self.why = unreadable(file, error, otherwise=away)


@dataclass(frozen=True, slots=True)
class PublicApp:
    """The app registration that people sign in to."""

    client_id: str
    authority: str

    def open(
        self, tokens: msal.SerializableTokenCache, requests: MsalRequests
    ) -> msal.PublicClientApplication:
        """Msal's application object over ``tokens``. Runs on a worker: it looks addresses up."""
        import msal  # noqa: PLC0415 - 6 MiB

        return msal.PublicClientApplication(
            self.client_id,
            authority=self.authority,
            instance_discovery=False,
            http_client=requests,
            token_cache=tokens,
            client_capabilities=CAPABILITIES,
            app_name="presence-bridge",
            app_version=__version__,
        )


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

    async def adopt(
        self, answer: Answer, tokens: msal.SerializableTokenCache, scopes: Sequence[str]
    ) -> Answer:
        """Store ``tokens``, which came with ``answer`` and for ``scopes``, instead."""
        mark(tokens, answer, self._app.authority)
        await self._client.run(self._cache.replace, tokens)
        self._scopes = list(scopes)
        self._client.forget()
        return answer

    async def delete(self) -> None:
        """Forget everything.

        Raises:
            PersonMustActError: The file cannot be deleted; nothing is forgotten then.
        """
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
