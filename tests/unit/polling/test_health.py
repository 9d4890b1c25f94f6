from bridge.polling import fold
from bridge.polling.health import Status

SIGNED_OUT = Status(problem="Nobody is signed in. Sign in.", name="Alice B.", needs_sign_in=True)


def test_what_the_broker_does_not_let_us_do_is_reported_before_a_failed_poll() -> None:
    deaf = "the broker does not let user bridge subscribe to presence/bridge/request/+"
    health = fold({"alice": Status(problem="no network")}, broker=[deaf, "and another"])
    assert not health.healthy
    assert health.reason == f"broker: {deaf} (and 1 more)"


def test_all_is_well_where_nothing_is_wrong() -> None:
    health = fold({"alice": Status()})
    assert health.healthy
    assert health.reason is None


def test_people_are_named_as_they_are_called_and_one_who_has_to_sign_in_comes_last() -> None:
    health = fold(
        {
            "ann": Status(problem="Nobody is signed in.", name="Ann", needs_sign_in=True),
            "team": Status(problem="Microsoft Graph cannot be reached"),
            "ann2": Status(problem="Nobody is signed in.", name="Ann", needs_sign_in=True),
        }
    )
    assert health.reason == "team: Microsoft Graph cannot be reached (and 2 more)"
    assert health.sign_in_needed == ("ann", "ann2")


def test_a_sign_in_that_is_missing_is_said_as_such() -> None:
    health = fold({"ann": Status(problem="It ended.", name="Ann", needs_sign_in=True)})
    assert not health.healthy
    assert health.reason == "Ann: sign-in needed. It ended."


def test_to_wait_for_a_sign_in_is_a_state_of_its_own() -> None:
    health = fold({"alice": SIGNED_OUT, "bob": Status()})
    assert (health.healthy, health.failing, health.sign_in_needed) == (False, False, ("alice",))
    assert str(health.reason).startswith("Alice B.: ")
    assert health.consecutive_failures == 0


def test_what_failed_is_named_before_a_sign_in_that_waits() -> None:
    failed = Status(problem="no network", name="Bob", consecutive_failures=2)
    health = fold({"alice": SIGNED_OUT, "bob": failed})
    assert health.failing
    assert health.reason == "Bob: no network (and 1 more)"
    assert fold({"alice": SIGNED_OUT}, failed=["page"]).failing
    assert not fold({}).failing
