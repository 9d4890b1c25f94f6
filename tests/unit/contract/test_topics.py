import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import ContractError
from bridge.contract.topics import Topics, slug
from tests.fakes.rows import rows

HOME = Topics()
OFFICE = Topics("office/floor_2", "ha")
SLUGS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)


@rows(
    ("built", "documented"),
    [
        (HOME.bridge_state, "presence/bridge/state"),
        (HOME.bridge_info, "presence/bridge/info"),
        (HOME.bridge_health, "presence/bridge/health"),
        (HOME.request("poll"), "presence/bridge/request/poll"),
        (HOME.request("+"), "presence/bridge/request/+"),
        (HOME.response("poll"), "presence/bridge/response/poll"),
        (HOME.account("alice", "state"), "presence/account/alice/state"),
        (HOME.account("+", "auth"), "presence/account/+/auth"),
        (HOME.driver_state("desk"), "presence/driver/desk/state"),
        (HOME.light("desk", "set"), "presence/driver/desk/light/set"),
        (HOME.bridge_config(), "homeassistant/device/presence_bridge/config"),
        (HOME.account_config("alice"), "homeassistant/device/presence_account_alice/config"),
        (HOME.light_config("desk"), "homeassistant/device/desk/light/config"),
        (OFFICE.account("alice", "event"), "office/floor_2/account/alice/event"),
        (OFFICE.bridge_config(), "ha/device/office_floor_2_bridge/config"),
    ],
)
def test_topics_are_the_documented_ones(built: str, documented: str) -> None:
    assert built == documented


@pytest.mark.parametrize(
    ("topics", "births"),
    [
        (HOME, ("homeassistant/status",)),
        (OFFICE, ("ha/status", "homeassistant/status")),
        (Topics(discovery_prefix="home/ha"), ("home/ha/status", "homeassistant/status")),
        (Topics(birth_topic="My Home/born"), ("My Home/born",)),
        (Topics(discovery_prefix="ha", birth_topic="ha/status"), ("ha/status",)),
    ],
)
def test_home_assistant_is_heard_where_it_was_set_to_speak_or_may_by_itself(
    topics: Topics, births: tuple[str, ...]
) -> None:
    assert topics.births == births


@rows("text", ["", "Alice", "a/b", "a b", "+", "#", "a+", "$SYS", "-a", "_a", "é", "a\n", "a\0"])
def test_what_would_break_a_topic_is_refused(text: str) -> None:
    for build in (
        slug,
        HOME.response,
        HOME.driver_state,
        HOME.account_config,
        HOME.light_config,
    ):
        with pytest.raises(ContractError, match="cannot be a topic level"):
            build(text)
    with pytest.raises(ContractError):
        HOME.light(text, "set")


@given(SLUGS)
def test_a_slug_stays_as_it_is_and_fills_one_level(name: str) -> None:
    assert slug(name) == name
    assert HOME.account(name, "state").split("/") == ["presence", "account", name, "state"]


@given(SLUGS, SLUGS)
def test_two_accounts_never_share_a_topic(one: str, other: str) -> None:
    same = one == other
    assert (HOME.account(one, "state") == HOME.account(other, "state")) == same
    assert (HOME.account_config(one) == HOME.account_config(other)) == same


@given(SLUGS)
def test_all_that_a_driver_writes_lies_below_its_own_name(driver: str) -> None:
    fences = (f"presence/driver/{driver}/", f"homeassistant/device/{driver}/")
    written = (
        HOME.driver_state(driver),
        HOME.light(driver, "state"),
        HOME.light(driver, "availability"),
        HOME.light_config(driver),
    )
    assert all(topic.startswith(fences) for topic in written)
