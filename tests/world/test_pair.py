"""Two bridges of one base topic, of which one serves; ``python -m tests.world.pair`` plays more."""

from __future__ import annotations

import pytest

from tests.world.pair import play


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(1, 9))
def test_a_pair_has_one_writer_and_takes_over_in_time(seed: int) -> None:
    story = play(seed)
    assert not story.found, story.done
