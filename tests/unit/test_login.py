import asyncio
import os

import pytest

from bridge.login import may_open_browser
from bridge.typed import Typed


@pytest.mark.parametrize(
    ("environ", "platform", "may"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"BROWSER": "firefox"}, "linux", True),
        ({"DISPLAY": ""}, "linux", False),
        ({}, "darwin", True),
        ({"DISPLAY": ":10", "SSH_CONNECTION": "a b c d"}, "linux", False),
        ({"SSH_CONNECTION": "a b c d"}, "darwin", False),
    ],
)
def test_a_browser_is_opened_only_where_somebody_sits_before_it(
    environ: dict[str, str], platform: str, *, may: bool
) -> None:
    assert may_open_browser(environ, platform) is may


async def test_typed_lines_come_whole_without_the_empty_ones() -> None:
    read, write = os.pipe()
    with os.fdopen(read) as stream, Typed(stream) as typed:
        os.write(write, b"\n  one \ntw")
        assert await typed.line() == "one"
        os.write(write, "o ☕\n\r\nthree".encode())
        os.close(write)
        assert [await typed.line() for _ in range(2)] == ["two ☕", "three"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(typed.line(), 0.01)
