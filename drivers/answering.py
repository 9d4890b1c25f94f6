"""What a light answers within its deadline."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from bridge.contract.deadline import within
from bridge.contract.errors import LightUnreachableError

T = TypeVar("T")


async def answered(call: Coroutine[Any, Any, T], within_s: float) -> T:
    """What ``call`` of a light returns or raises.

    Raises:
        LightUnreachableError: It took too long.
    """
    try:
        return await within(within_s, call)
    except TimeoutError:
        text = f"the light did not answer within {within_s:g} s"
        raise LightUnreachableError(text) from None
