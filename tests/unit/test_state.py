import subprocess
import sys
from pathlib import Path

import pytest

from bridge import state
from bridge.contract.errors import ConfigError


def test_a_second_bridge_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    program = (
        "import sys; from pathlib import Path; from bridge import state\n"
        "with state.claimed(Path(sys.argv[1])): print('claimed')"
    )
    with state.claimed(folder):
        second = subprocess.run(
            [sys.executable, "-c", program, str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert state.in_use(folder)
    assert "used by another running bridge" in second.stderr
    assert not state.in_use(folder)


def test_the_folder_is_private_and_loose_modes_are_mended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "deep" / "state"
    with state.claimed(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    with state.claimed(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert "was open to others" in caplog.text


def test_a_folder_that_cannot_be_made_is_a_config_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="state_dir"), state.claimed(tmp_path / "file" / "state"):
        pass


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    assert not state.in_use(tmp_path / "state")
    assert not (tmp_path / "state").exists()
