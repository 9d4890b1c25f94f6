from bridge.polling import fold
from bridge.polling.health import Status


def test_what_the_broker_does_not_let_us_do_is_told_before_a_failed_poll() -> None:
    deaf = "the broker does not let user bridge subscribe to presence/bridge/request/+"
    health = fold({"alice": Status(problem="no network")}, broker=[deaf, "and another"])
    assert not health.healthy
    assert health.reason == f"broker: {deaf} (and 1 more)"


def test_all_is_well_where_nothing_is_wrong() -> None:
    health = fold({"alice": Status()})
    assert health.healthy
    assert health.reason is None
