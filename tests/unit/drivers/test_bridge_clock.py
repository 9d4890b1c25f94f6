"""Two clocks that differ: fresh stays fresh, stale does not, and it is said once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from drivers.rules import DEFAULT_LOOKS
from tests.unit.drivers.bench import LIGHT, Bench

RED, UNKNOWN = DEFAULT_LOOKS["busy"].state(), DEFAULT_LOOKS["unknown"].state()
GREEN = DEFAULT_LOOKS["available"].state()
SIX_MINUTES_S, FOUR_HOURS_S = 360.0, -4 * 3600.0


class TwoHosts:
    """A bridge whose stamps are right, and a lamp whose clock is ``off_s`` ahead of it."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.off_s = bench, 0.0
        self.epoch: int | None = 7

    def set_clock(self, off_s: float) -> None:
        self.bench.clock.jump_wall(off_s - self.off_s)
        self.off_s = off_s

    def polled(self, presence: str, *, lives_s: float = 300.0, retain: bool = False) -> None:
        """The bridge has just polled; what it says now comes live unless it is stored."""
        self.bench.state(
            presence,
            at_s=-self.off_s,
            retain=retain,
            epoch=self.epoch,
            valid_until=self._in(lives_s),
        )

    def _in(self, seconds: float) -> str:
        return (self.bench.clock.now() + timedelta(seconds=seconds - self.off_s)).isoformat()


@pytest.fixture
def hosts(tmp_path: Path) -> TwoHosts:
    bench = Bench(tmp_path)
    bench.person("busy", epoch=7)
    return TwoHosts(bench)


@pytest.mark.parametrize("off_s", [SIX_MINUTES_S, FOUR_HOURS_S, 30 * 24 * 3600.0])
async def test_fresh_stays_fresh_whatever_the_clock_here_shows(
    hosts: TwoHosts, off_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    bench = hosts.bench
    hosts.polled("busy", retain=True)
    async with bench.running():
        hosts.set_clock(off_s)
        for _ in range(10):
            await bench.clock.advance(60)
            assert bench.light.shows == RED
            hosts.polled("busy")
        hosts.polled("available")
        await bench.clock.advance(1)
        assert bench.light.shows == GREEN
        assert caplog.text.count("the clock here is") == 1


@pytest.mark.parametrize("off_s", [SIX_MINUTES_S, FOUR_HOURS_S])
async def test_a_lamp_that_starts_with_a_wrong_clock_believes_the_bridge(
    hosts: TwoHosts, off_s: float
) -> None:
    bench = hosts.bench
    hosts.set_clock(off_s)
    hosts.polled("busy", retain=True)
    async with bench.running():
        assert bench.light.shows == RED


@pytest.mark.parametrize("off_s", [0.0, SIX_MINUTES_S, FOUR_HOURS_S])
async def test_what_nobody_refreshes_turns_to_unknown_in_its_time(
    hosts: TwoHosts, off_s: float
) -> None:
    bench = hosts.bench
    hosts.set_clock(off_s)
    hosts.polled("busy", retain=True)
    async with bench.running():
        await bench.clock.advance(298)
        assert bench.light.shows == RED
        await bench.clock.advance(3)
        assert bench.light.shows == UNKNOWN


async def test_what_is_stored_is_old_by_the_newest_word_of_the_bridge(tmp_path: Path) -> None:
    bench = Bench(tmp_path, follow=["alice", "bob"])
    hosts = TwoHosts(bench)
    bench.person("busy", "bob", epoch=7, at_s=-600, valid_until=hosts._in(-300))
    bench.person("available", "alice", epoch=7, valid_until=hosts._in(300))
    async with bench.running():
        assert bench.light.shows == GREEN


async def test_it_is_said_once_and_once_when_the_clocks_agree(
    hosts: TwoHosts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bench = hosts.bench
    hosts.polled("busy", retain=True)
    async with bench.running():
        for off_s, said in (
            (SIX_MINUTES_S, "the clock here is 6 min ahead of the bridge's"),
            (FOUR_HOURS_S, ""),
            (0.0, "the clock here agrees with the bridge's again"),
            (FOUR_HOURS_S - 300, "the clock here is 4 h 5 min behind the bridge's"),
        ):
            hosts.set_clock(off_s)
            caplog.clear()
            for _ in range(3):
                await bench.clock.advance(10)
                hosts.polled("busy")
                await bench.clock.advance(1)
            told = [r.getMessage() for r in caplog.records if "the clock here" in r.getMessage()]
            assert len(told) == bool(said)
            assert all(line.startswith(said) for line in told)
            apart = bench.broker.json(f"{LIGHT}/rule")["clock_apart_s"]
            assert apart == pytest.approx(-off_s, abs=2)


async def test_what_is_stored_says_nothing_of_clocks_and_small_differences_are_none(
    hosts: TwoHosts, caplog: pytest.LogCaptureFixture
) -> None:
    bench = hosts.bench
    hosts.set_clock(3600)
    hosts.polled("busy", retain=True)
    async with bench.running():
        bench.broker.lose(bench.broker.sessions[0])
        await bench.clock.advance(10)
        hosts.set_clock(100)
        hosts.polled("busy")
        await bench.clock.advance(1)
    assert "the clock here" not in caplog.text


async def test_the_bridges_clock_may_be_set_back_itself(hosts: TwoHosts) -> None:
    bench = hosts.bench
    hosts.polled("busy", retain=True)
    async with bench.running():
        hosts.off_s, hosts.epoch = 3600.0, 8  # as seen from there
        hosts.polled("available")
        await bench.clock.advance(298)
        assert bench.light.shows == GREEN
        await bench.clock.advance(3)
        assert bench.light.shows == UNKNOWN


async def test_a_bridge_that_knows_no_epoch_may_be_set_back_too(hosts: TwoHosts) -> None:
    bench = hosts.bench
    hosts.epoch = None
    hosts.polled("busy", retain=True)
    async with bench.running():
        hosts.off_s = 3600.0
        hosts.polled("available")
        await bench.clock.advance(250)
        assert bench.light.shows == GREEN
