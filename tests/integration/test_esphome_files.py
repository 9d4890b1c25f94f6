"""The lambdas of packaging/esphome, compiled and run: they decide as presence-driver does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from pathlib import Path

import pytest

from bridge.contract.presence import Activity, Availability
from bridge.contract.wire import AccountState
from drivers.rules import DEFAULT_LOOKS, Facts, Rules, choose
from tests.fakes.board_uno import needs
from tests.fakes.esphome_device import EsphomeDevice, Said, build, running

pytestmark = pytest.mark.timeout(600)  # CI may have to install a compiler first

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
BRIDGE, ALICE = "presence/bridge/state", "presence/account/alice"
LONG_S = 3600


@pytest.fixture(scope="module", params=["lamp", "sign"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs("g++")
    return build(f"presence-{request.param}.yaml", tmp_path_factory.mktemp("esphome"))


@pytest.fixture
def device(program: Path) -> Iterator[EsphomeDevice]:
    with running(program) as device:
        yield device


def state(
    availability: str | None = "busy", activity: str | None = "in_a_call", **more: str | None
) -> dict[str, str | None]:
    return {"availability": availability, "activity": activity, "table": None, **more}


def follows(device: EsphomeDevice, **more: str | None) -> Said:
    device.receive(f"{ALICE}/sign_in", "signed_in")
    device.receive(f"{ALICE}/availability", "online")
    device.receive(f"{ALICE}/state", state(**more))
    return device.receive(BRIDGE, "online").said


def test_in_whatever_order_messages_come_it_shows_nothing_before_it_has_all(
    device: EsphomeDevice,
) -> None:
    heard: list[tuple[str, str | dict[str, str | None]]] = [
        (BRIDGE, "online"),
        (f"{ALICE}/availability", "online"),
        (f"{ALICE}/state", state()),
    ]
    for order in permutations(heard):
        device.receive(BRIDGE, "offline").receive(f"{ALICE}/availability", "offline").wait(LONG_S)
        for topic, payload in order:
            assert device.said.look == "unknown", order
            device.receive(topic, payload)
        assert device.said.look == "in_a_call", order


def test_each_trouble_is_shown_and_ends(device: EsphomeDevice) -> None:
    call = follows(device)
    assert call.look == "in_a_call"
    for topic, bad, good, look in (
        (BRIDGE, "offline", "online", "unknown"),
        (BRIDGE, "", "online", "unknown"),
        (f"{ALICE}/availability", "offline", "online", "unknown"),
        (f"{ALICE}/sign_in", "needed", "signed_in", "sign_in_needed"),
    ):
        assert device.receive(topic, bad).said.look == look
        assert device.receive(topic, good).said == call
    assert device.lose().said.look == "unknown"
    assert device.receive(BRIDGE, "online").said == call


def test_what_is_not_repeated_is_nothing_to_go_by(device: EsphomeDevice) -> None:
    follows(device)
    for _ in range(30):
        device.wait(120).receive(f"{ALICE}/state", state())
    assert device.said.look == "in_a_call"
    assert device.wait(590).said.look == "in_a_call"
    assert device.wait(20).said.look == "unknown"
    assert device.receive(f"{ALICE}/state", state()).said.look == "in_a_call"


def test_of_somebody_in_a_large_table_the_table_says_whether_it_is_current(
    device: EsphomeDevice,
) -> None:
    crowd, other = "presence/table/crowd/fresh", "presence/table/crowd2/fresh"
    assert follows(device, table="crowd").look == "unknown"
    assert device.receive(other, {"state": "online"}).said.look == "unknown"
    assert device.receive(crowd, {"state": "online"}).said.look == "in_a_call"
    for _ in range(30):
        device.wait(120).receive(crowd, {"state": "online"})
    assert device.said.look == "in_a_call"
    assert device.receive(crowd, {"state": "offline"}).said.look == "unknown"
    assert device.receive(crowd, {"state": "online"}).said.look == "in_a_call"
    for _ in range(6):
        device.wait(120).receive(other, {"state": "online"})
    assert device.said.look == "unknown"
    device.receive(crowd, {"state": "online"})
    device.receive(f"{ALICE}/state", state("away", "away", table=None)).receive(
        crowd, {"state": "offline"}
    )
    assert device.said.look == "away"


def test_it_chooses_the_look_that_presence_driver_chooses(device: EsphomeDevice) -> None:
    follows(device)
    availabilities, activities = [None, *Availability], [None, *Activity]
    for availability, activity, out in product(availabilities, activities, ("ON", "OFF")):
        known = AccountState.model_validate(
            {
                **dict.fromkeys(("busy", "in_call", "in_meeting", "status_message")),
                "availability": availability,
                "activity": activity,
                "out_of_office": out,
                "changed_at": NOW,
                "polled_at": NOW,
                "valid_until": NOW + timedelta(hours=1),
            }
        )
        facts = Facts(state=known, fresh=True, sign_in="signed_in")
        wanted = choose(Rules(), {"alice": facts}, NOW).words.look
        told = state(availability, activity, out_of_office=out)
        look = device.receive(f"{ALICE}/state", told).said.look
        assert look == wanted or (look, wanted) == ("other", "default"), (told, wanted)


def test_each_look_is_shown(device: EsphomeDevice) -> None:
    nothing = device.receive(BRIDGE, "offline").said.shown
    follows(device)
    for word in Activity:
        shown = device.receive(f"{ALICE}/state", state(None, word)).said.shown
        assert shown not in ("", nothing) or word is Activity.OTHER, word
        if shown.startswith(("on", "off ")) or shown == "off":
            look = DEFAULT_LOOKS.get(word, DEFAULT_LOOKS["unknown"])
            assert shown.startswith("on") is not look.off, word
