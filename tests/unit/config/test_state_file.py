import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.config.state_file import StateFile

DEADLINE_S = 5


class Disk:
    """A disk that can be full; it remembers what was written."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.full = False
        self.go_on = threading.Event()
        self.go_on.set()

    def write(self, file: Path, text: str) -> None:
        self.go_on.wait(DEADLINE_S)
        if self.full:
            raise OSError(28, "No space left on device")
        self.written.append(text)


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not happened():  # noqa: ASYNC110 - a worker thread makes it happen
            await asyncio.sleep(0.001)


async def test_the_newest_text_is_written_and_what_it_overtook_is_not() -> None:
    disk = Disk()
    file = StateFile(Path("memory.json"), write=disk.write)
    disk.go_on.clear()
    for text in ("one", "two", "three"):
        file.save(text)
    disk.go_on.set()
    await file.close()
    assert disk.written == ["one", "three"]


async def test_a_disk_that_refuses_is_logged_once_and_retried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    disk = Disk()
    disk.full = True
    file = StateFile(Path("memory.json"), write=disk.write, retry_s=0.001)
    with caplog.at_level(logging.INFO):
        file.save("one")
        await until(lambda: caplog.records)
        file.save("two")
        disk.full = False
        await until(lambda: "two" in disk.written)
        await file.close()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "No space left on device" in caplog.text


async def test_closing_tries_a_last_time_and_then_no_more() -> None:
    disk = Disk()
    disk.full = True
    file = StateFile(Path("memory.json"), write=disk.write, retry_s=60)
    file.save("one")
    await file.close()
    disk.full = False
    await file.close()
    assert disk.written == ["one"]


def test_without_a_loop_it_is_written_at_once(tmp_path: Path) -> None:
    StateFile(tmp_path / "folder" / "memory.json").save("one")
    assert (tmp_path / "folder" / "memory.json").read_text() == "one"
