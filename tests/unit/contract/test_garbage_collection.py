"""While modules are loaded or many people worked through, nothing is collected."""

from __future__ import annotations

import gc

import pytest

from bridge.contract.garbage_collection import loading, uncollected


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


def test_garbage_is_looked_for_afterwards_whatever_happened() -> None:
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled(), "who is within does not end it"
    assert gc.isenabled()
    with pytest.raises(ValueError, match="broke"), uncollected():
        raise ValueError("broke")
    assert gc.isenabled()
