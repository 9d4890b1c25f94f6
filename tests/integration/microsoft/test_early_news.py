"""The whole bridge on a real broker: a change does not wait for the last answer of a read."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.config.tables.shared import MqttSettings
from bridge.config.tables.web import WebSettings
from bridge.service.service import Service
from tests.fakes.microsoft.faults import Fault
from tests.fakes.mosquitto import running
from tests.fakes.subscriber import subscriber
from tests.integration.microsoft.office import BULK, Office

LATE_S = 1.0
STATES = "presence/account/+/state"


async def test_a_change_is_heard_while_another_answer_of_the_read_is_late(
    office: Office, tmp_path: Path
) -> None:
    """The simulated time stands still until the test lets it pass, and the late answer with it."""
    crowd = office.hire(*(f"p{number}" for number in range(651)))
    accounts = {
        "staff": {
            "sign_in": "app",
            "people": [person.oid for person in crowd],
            "homeassistant": False,
        }
    }
    async with running(tmp_path) as broker, subscriber(broker.port, topic=STATES) as heard:
        config = office.config(accounts).model_copy(
            update={
                "mqtt": MqttSettings(host="127.0.0.1", port=broker.port),
                "web": WebSettings(enabled=False),
            }
        )
        service = Service(config, clock=office.clock)
        task = asyncio.create_task(service.run())
        first, last = (
            config.topics.account(f"staff_{person.oid.replace('-', '')}", "state")
            for person in (crowd[0], crowd[-1])
        )
        await heard.until(first)
        await heard.until(last)
        since, asked = len(heard.heard), office.count(BULK)
        office.simulated.faults.add(Fault(BULK), Fault(BULK, delay_s=LATE_S))
        for person in crowd[0], crowd[-1]:
            office.home.directory.change(person, "Busy", "InACall")
        service.poll()
        early = await heard.until(first, lambda m: m.json["in_call"] == "ON", since=since)
        await office.simulated.requests.until(BULK, asked + 2)
        assert office.simulated.requests.of(BULK)[-1].status is None, "it was not answered yet"
        assert not any(message.topic == last for message in heard.heard[since:])
        await office.clock.advance(LATE_S)
        late = await heard.until(last, lambda m: m.json["in_call"] == "ON", since=since)
        assert late.json["polled_at"] >= early.json["polled_at"]
        service.stop()
        await task
