"""While modules are loaded, nothing is collected; what was loaded is not looked at later."""

from __future__ import annotations

import gc

import pytest

from bridge.contract.loading import loading


def test_nothing_is_collected_meanwhile_and_all_is_afterwards() -> None:
    with loading():
        assert not gc.isenabled()
        with loading():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_was_loaded_is_never_looked_at_twice() -> None:
    with loading():
        loaded: list[list[int]] = [[]]
    try:
        assert all(each is not loaded for each in gc.get_objects())
    finally:
        gc.unfreeze()


def test_a_module_that_is_missing_leaves_the_collector_on() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()
