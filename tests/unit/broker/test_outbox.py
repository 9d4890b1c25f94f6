import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from bridge.broker.outbox import EVENTS_KEPT, ROOM, Outbox
from bridge.contract.wire import Message

DEADLINE_S = 5


def fact(topic: str, payload: str = "1") -> Message:
    return Message(topic, payload.encode())


def event(number: int) -> Message:
    return Message("event", str(number).encode(), retain=False)


def test_a_topic_keeps_only_its_newest_message_at_the_newest_place() -> None:
    outbox = Outbox()
    for message in (fact("a", "old"), fact("b"), fact("a", "new")):
        outbox.put(message)
    assert len(outbox) == 2
    assert outbox.take(10) == [fact("b"), fact("a", "new")]
    assert len(outbox) == 0


def test_states_go_before_events_so_that_events_find_them() -> None:
    outbox = Outbox()
    for message in (event(1), fact("a"), event(2)):
        outbox.put(message)
    assert outbox.take(10) == [fact("a"), event(1), event(2)]


def test_no_more_are_taken_than_asked_for_and_the_rest_stays() -> None:
    outbox = Outbox()
    for message in (fact("a"), fact("b"), event(1)):
        outbox.put(message)
    assert outbox.take(1) == [fact("a")]
    assert outbox.take(2) == [fact("b"), event(1)]
    assert outbox.take(2) == []


def test_a_flood_of_events_loses_the_oldest() -> None:
    outbox = Outbox()
    for number in range(EVENTS_KEPT + 3):
        outbox.put(event(number))
    assert len(outbox) == EVENTS_KEPT
    assert outbox.take(1) == [event(3)]


def test_on_a_new_connection_states_are_dropped_and_older_events_wait() -> None:
    outbox = Outbox()
    for message in (fact("a"), fact("b"), event(1), event(2)):
        outbox.put(message, beat=message.topic == "b")
    outbox.begin()
    assert len(outbox) == 2
    outbox.put(event(3))
    assert outbox.take(10) == [event(3)]
    outbox.put(event(4))
    outbox.release()
    assert outbox.take(10) == [event(1), event(2), event(4)]


def test_changes_go_before_events_and_these_before_beats() -> None:
    outbox = Outbox()
    outbox.put(fact("beat"), beat=True)
    outbox.put(event(1))
    outbox.put(fact("change"))
    assert outbox.take(10, beats=False) == [fact("change"), event(1)]
    assert outbox.take(10) == [fact("beat")]


def test_a_change_takes_the_place_of_a_beat_and_a_beat_never_slows_a_change_down() -> None:
    outbox = Outbox()
    outbox.put(fact("a", "beat"), beat=True)
    outbox.put(fact("a", "change"))
    outbox.put(fact("a", "beat of the change"), beat=True)
    assert outbox.take(10, beats=False) == [fact("a", "beat of the change")]
    assert outbox.take(10) == []


async def test_waiting_ends_with_the_next_message_and_restarts_when_all_is_taken() -> None:
    outbox = Outbox()
    for number in range(2):
        waiting = asyncio.ensure_future(outbox.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        outbox.put(event(number))
        async with asyncio.timeout(DEADLINE_S):
            await waiting
            await outbox.wait()
        outbox.take(10)


async def test_waiting_goes_on_when_what_came_was_forgotten() -> None:
    outbox = Outbox()
    waiting = asyncio.ensure_future(outbox.wait())
    await asyncio.sleep(0)
    outbox.put(fact("a"))
    outbox.begin()
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.put(fact("a"))
    async with asyncio.timeout(DEADLINE_S):
        await waiting


MESSAGES = st.builds(Message, st.sampled_from("abcd"), st.binary(max_size=2), retain=st.booleans())


@given(st.lists(MESSAGES, max_size=50), st.integers(1, 5))
def test_the_last_word_on_each_topic_and_every_event_come_out_once(
    messages: list[Message], most: int
) -> None:
    outbox = Outbox()
    for message in messages:
        outbox.put(message)
    taken = []
    while part := outbox.take(most):
        assert len(part) <= most
        taken += part
    newest = {message.topic: message for message in messages if message.retain}
    assert {m.topic: m for m in taken if m.retain} == newest
    assert len([m for m in taken if m.retain]) == len(newest)
    assert [m for m in taken if not m.retain] == [m for m in messages if not m.retain]


async def test_who_waits_for_room_goes_on_as_soon_as_there_is_some() -> None:
    outbox = Outbox()
    for number in range(ROOM + 1):
        outbox.put(fact(str(number)))
    waiting = asyncio.create_task(outbox.room())
    await asyncio.sleep(0)
    outbox.take(1)
    await asyncio.sleep(0)
    assert not waiting.done(), "as many as have room still wait"
    outbox.take(1)
    async with asyncio.timeout(DEADLINE_S):
        await waiting
        await outbox.room()


def test_taking_from_a_long_outbox_costs_what_is_taken() -> None:
    outbox = Outbox()
    for number in range(100_000):
        outbox.put(fact(str(number)))
    began = time.process_time()
    while len(outbox):
        outbox.take(20)
    assert time.process_time() - began < 5, "it took minutes when each look copied all topics"
