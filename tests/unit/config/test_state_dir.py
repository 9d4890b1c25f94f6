import errno
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.config import state_dir
from bridge.contract.errors import ConfigError
from bridge.doctor.files import state_folder
from tests.fakes.other_user import NOBODY, as_nobody, give, let_in, only_root


def test_a_second_bridge_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    program = (
        "import sys; from pathlib import Path; from bridge.config import state_dir\n"
        "with state_dir.locked(Path(sys.argv[1])): print('claimed')"
    )
    with state_dir.locked(folder):
        second = subprocess.run(
            [sys.executable, "-c", program, str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert state_dir.in_use(folder)
    assert "used by another running bridge" in second.stderr
    assert not state_dir.in_use(folder)


def test_the_folder_is_private_and_loose_modes_are_mended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "deep" / "state"
    with state_dir.locked(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    with state_dir.locked(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert "was open to others" in caplog.text


def test_a_folder_that_cannot_be_made_is_a_config_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with (
        pytest.raises(ConfigError, match="state_dir"),
        state_dir.locked(tmp_path / "file" / "state"),
    ):
        pass


def test_a_disk_that_takes_nothing_is_no_reason_not_to_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def refuses(_: Path) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with state_dir.locked(tmp_path / "state", make=refuses) as folder:
        assert folder == tmp_path / "state"
    assert "Read-only file system; nothing is remembered over a restart" in caplog.text


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    assert not state_dir.in_use(tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_looking_changes_nothing_and_is_not_seen_by_others_who_look(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with state_dir.locked(folder):
        pass
    folder.chmod(0o755)
    assert not state_dir.in_use(folder)
    assert folder.stat().st_mode & 0o777 == 0o755
    with (folder / state_dir.LOCK).open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert not state_dir.in_use(folder)


def test_a_user_who_may_not_look_learns_whom_to_be(tmp_path: Path) -> None:
    folder, config = tmp_path / "state", tmp_path / "config.toml"
    with state_dir.locked(folder):
        pass
    config.write_text("state_dir = 'state'\n[accounts.alice]\n", encoding="utf-8")
    command = [sys.executable, "-m", "bridge", "reload", "--config", str(config)]
    if os.geteuid() == 0:  # root's powers would open every folder
        if not shutil.which("setpriv"):
            pytest.skip("setpriv is not installed (apt-get install util-linux)")
        command = ["setpriv", "--bounding-set=-all", *command]
    folder.chmod(0)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    folder.chmod(0o700)
    told = "run this as the user of the service, who must own that folder"
    line = done.stderr.splitlines()[-1]
    assert line == f"config: state_dir: {folder}: Permission denied; {told}"
    assert done.returncode == 2


@only_root
def test_a_folder_of_somebody_else_is_reported_with_owner_and_command(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with state_dir.locked(folder):
        pass
    let_in(folder)
    with as_nobody(), pytest.raises(ConfigError) as caught, state_dir.locked(folder):
        pass
    told = "run this as the user of the service, who must own that folder and not root; if that is "
    (problem,) = caught.value.problems
    cure = f"{told}nobody: sudo chown -R nobody {folder}"
    assert problem == f"state_dir: {folder}: Permission denied; {cure}"


@only_root
def test_what_root_left_in_our_own_folder_is_reported_with_the_command(tmp_path: Path) -> None:
    """As ``sudo presence-bridge login`` does before the service has ever run."""
    folder = tmp_path / "state"
    with state_dir.locked(folder):
        pass
    let_in(folder)
    os.chown(folder, NOBODY, NOBODY)
    problem = (
        f"state_dir: {folder}: Permission denied; lock in it belongs to root: "
        f"sudo chown -R nobody {folder}"
    )
    with as_nobody():
        with pytest.raises(ConfigError) as caught, state_dir.locked(folder):
            pass
        assert caught.value.problems == [problem]
        assert state_folder(folder).text == problem
    give(folder)
    with as_nobody(), state_dir.locked(folder):
        assert state_folder(folder).good
