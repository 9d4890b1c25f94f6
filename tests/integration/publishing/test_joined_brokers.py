"""A large table on two joined Mosquittos whose joint is cut: each then gives the other its copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.contract.presence import Availability
from tests.fakes.mosquitto import running
from tests.fakes.subscriber import subscriber
from tests.integration.broker.conftest import until
from tests.integration.broker.test_joined import JOINT, until_all_heard
from tests.integration.publishing.test_on_a_broker import FRESH, LARGE, TOPICS, later, life
from tests.standby.relay import Relay

PEOPLE = {slug: LARGE[slug] for slug in list(LARGE)[:20]}
BUSY = TOPICS.account("team_p7", "state")
BEFORE, AFTER = "09:00:00", "09:01:00"


@pytest.mark.parametrize("used", ["has the joint", "has the other end"])
async def test_what_came_back_over_a_joint_that_was_cut_is_answered_once(
    tmp_path: Path, used: str
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    async with running(tmp_path / "second") as second:
        relay = Relay(second.port)
        async with (
            relay.running(),
            running(tmp_path / "first", extra=JOINT.format(port=relay.port)) as first,
            subscriber(first.port) as at_first,
            subscriber(second.port) as at_second,
        ):
            broker, here, there = first, at_first, at_second
            if used == "has the other end":
                broker, here, there = second, at_second, at_first
            async with life(tmp_path, broker, followed=PEOPLE) as (publisher, _, _):
                for each in (here, there):
                    await each.until(FRESH, lambda h: h.json["state"] == "online")
                relay.cut()
                relay.reset()
                for slug in PEOPLE:
                    publisher.states.update(later(slug, Availability.AWAY))
                publisher.states.update(later("team_p7", Availability.BUSY))
                await here.until(FRESH, lambda h: AFTER in h.json["polled_at"])
                busy = await here.until(BUSY, lambda h: h.json["availability"] == "busy")
                cut = len(here.heard)
                relay.mend()
                await here.until(FRESH, lambda h: BEFORE in h.json["polled_at"], since=cut)
                await until(
                    lambda: all(
                        AFTER in each.last[FRESH].text and each.last[BUSY].json == busy.json
                        for each in (here, there)
                    )
                )
                await until_all_heard(there, broker)
                heard = [AFTER in h.json["polled_at"] for h in here.heard[cut:] if h.topic == FRESH]
                assert heard.count(True) <= heard.count(False), "each is answered once"
