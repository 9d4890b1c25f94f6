"""Every file that the config names, when another user owns it: path, owner and command are told."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.config.authorities import authorities
from bridge.config.loader import load
from bridge.config.tables.config import Config
from bridge.config.unreadable_file import unreadable
from bridge.contract.errors import ConfigError
from bridge.microsoft.sign_in.certificate import load as load_certificate
from bridge.microsoft.sign_in.encryption import load_seal
from tests.fakes.other_user import as_nobody, let_in, mode, only_root

Read = Callable[[Path], object]


def config(file: Path, **tables: object) -> Config:
    return Config.model_validate({"state_dir": file.parent} | tables)


def password(file: Path) -> object:
    toml = mode_of(file.with_name("config.toml"), f'[mqtt]\npassword_file = "{file}"\n')
    return load(toml, {"HOME": "/"})


def network(file: Path) -> object:
    return authorities(config(file, network={"ca_file": file}).network)


def app(file: Path) -> object:
    return load_certificate(config(file, microsoft={"certificate_file": file}).microsoft)


def mode_of(file: Path, text: str) -> Path:
    if not file.exists():
        file.write_text(text, encoding="utf-8")
    return file


READS: dict[str, tuple[Read, str]] = {
    "mqtt.password_file": (password, "chown nobody"),
    "network.ca_file": (network, "chmod a+r"),
    "security.key_file": (load_seal, "chown nobody"),
    "microsoft.certificate_file": (app, "chown nobody"),
}


@only_root
@pytest.mark.parametrize("key", READS)
def test_the_owner_and_the_command_are_named(tmp_path: Path, key: str) -> None:
    read, change = READS[key]
    file = tmp_path / "it's here" / "secret"
    file.parent.mkdir()
    file.write_text("s", encoding="utf-8")
    let_in(file)
    mode(file, 0o600)
    mode_of(file.with_name("config.toml"), f'[mqtt]\npassword_file = "{file}"\n')
    with as_nobody(), pytest.raises(ConfigError) as caught:
        read(file)
    shown = f"'{tmp_path}/it'\"'\"'s here/secret'"
    assert caught.value.problems == [
        (
            f"{key}: this user (nobody) may not read {file}, which belongs to root; "
            f"sudo {change} {shown}"
        )
    ]


@only_root
@pytest.mark.parametrize("key", READS)
def test_a_folder_above_that_may_not_be_entered_is_reported(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    file = folder / "secret"
    file.write_text("s", encoding="utf-8")
    let_in(file)
    mode(folder, 0o700)
    toml = mode_of(tmp_path / "config.toml", f'[mqtt]\npassword_file = "{file}"\n')
    read = (lambda _: load(toml, {"HOME": "/"})) if key == "mqtt.password_file" else READS[key][0]
    with as_nobody(), pytest.raises(ConfigError) as caught:
        read(file)
    assert caught.value.problems == [
        (
            f"{key}: this user (nobody) may not enter {folder}, which belongs to root; "
            f"sudo chmod a+x {folder}"
        )
    ]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FileNotFoundError(2, "No such file or directory"), "{}: No such file or directory; cure"),
        (PermissionError(13, "Permission denied"), "something keeps this user (root) from read"),
        (OSError("odd"), "{}: odd; cure"),
    ],
)
@only_root
def test_what_is_no_matter_of_owners_is_reported_as_the_system_says(
    tmp_path: Path, error: OSError, told: str
) -> None:
    file = tmp_path / "file"
    file.touch()
    assert str(unreadable(file, error, otherwise="cure")).startswith(told.format(file))


@only_root
def test_a_user_without_a_name_is_a_number(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    os.chown(file, 54321, 54321)
    let_in(file)
    mode(file, 0o600)
    with as_nobody():
        told = unreadable(file, PermissionError(13, "Permission denied"))
    assert told.why.endswith("which belongs to 54321")


def test_the_systems_authorities_are_loaded_once_by_aiohttp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    assert authorities(config(tmp_path).network) is True
