"""What the broker says of a program that is lost."""

from __future__ import annotations

from bridge.broker.session import ProtocolVersion
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto
from tests.fakes.subscriber import subscriber
from tests.integration.broker.conftest import STATE, Link, settings


async def test_of_a_program_that_is_lost_offline_stays_on_the_broker(
    mosquitto: Mosquitto, clock: ManualClock
) -> None:
    """Under MQTT 3.1.1, where it is said at once."""
    async with Link(settings(mosquitto.port), clock, version=ProtocolVersion.V311) as link:
        await link.until_connected()
        link.drop()
        await link.until_lost()
        async with subscriber(mosquitto.port) as fresh:
            will = await fresh.until_text(STATE, "offline")
            assert will.retain


async def test_who_comes_back_soon_was_never_away(mosquitto: Mosquitto, link: Link) -> None:
    async with subscriber(mosquitto.port) as mqtt:
        link.drop()
        await link.until_lost()
        await link.try_again()
        await link.until_connected(2)
        await mqtt.until(STATE, lambda heard: not heard.retain)
        assert {heard.text for heard in mqtt.heard if heard.topic == STATE} == {"online"}
