import gc

import pytest

from bridge.contract.uncollected import uncollected


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
