"""One test of a whole table: where ``pytest.mark.parametrize`` would make a test of every row.

For rows that share nothing and take no time. All of them are looked at, and those that fail are
named.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Test = Callable[..., None]


def rows(names: str | Sequence[str], table: Iterable[Any]) -> Callable[[Test], Test]:
    """Call the test with each row of ``table``; ``names`` are its columns, as for parametrize."""
    keys = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    whole = [row if len(keys) > 1 else (row,) for row in table]
    assert whole, "a table without rows"

    def of_test(test: Test) -> Test:
        def looped(**fixtures: Any) -> None:
            failed = []
            for row in whole:
                try:
                    test(**fixtures, **dict(zip(keys, row, strict=True)))
                except Exception as error:  # noqa: BLE001 - shown with the row
                    error.add_note(f"in the row {row!r}")
                    failed.append(error)
            if failed:
                raise ExceptionGroup(f"{len(failed)} of {len(whole)} rows", failed)

        signature = inspect.signature(test)
        others = [each for name, each in signature.parameters.items() if name not in keys]
        looped.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
        looped.__name__, looped.__doc__ = test.__name__, test.__doc__
        looped.__module__, looped.__qualname__ = test.__module__, test.__qualname__
        return looped

    return of_test
