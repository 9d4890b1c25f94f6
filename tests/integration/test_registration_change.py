"""Another app registration for a running service: tried, written where it stood, reloaded."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from bridge.config.loader import load
from bridge.contract.errors import ConfigError, PersonMustActError
from bridge.contract.registration import Registration
from bridge.service.registration_change import change_registration, registration_of
from bridge.web.refused import MistakeError
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Household

WRONG = "1b2c3d4e-0000-4000-8000-123456789abc"


class Case:
    """A config file with a mistyped client id, and what was reloaded."""

    def __init__(
        self, folder: Path, microsoft: ScriptedMicrosoft, environ: Mapping[str, str] | None = None
    ) -> None:
        self.file = folder / "config.toml"
        self.text = f"""# mine
            [network]
            ca_file = "{microsoft.ca_file}"
            [microsoft]  # docs
            login_url = "{microsoft.login_url}"
            graph_url = "{microsoft.graph_url}"
            tenant = "contoso.com"  # ours
            client_id = "{WRONG}"  # copied
            [accounts.alice]
            name = "Alice"
            [accounts.bob]  # elsewhere
            client_id = "{WRONG}"
            """
        self.file.write_text(self.text, encoding="utf-8")
        self.read = partial(load, self.file, {"HOME": str(folder), **(environ or {})})
        self.reloaded = 0

    def reload(self) -> None:
        self.reloaded += 1

    async def change(self, account: str, wanted: Registration) -> None:
        await change_registration(
            self.file,
            account,
            wanted,
            config=self.read(),
            read=self.read,
            reload=self.reload,
        )


@pytest.fixture
def right(home: Household) -> Registration:
    return Registration("contoso.com", UUID(home.app.client_id))


@pytest.mark.parametrize(("account", "others"), [("alice", "bob"), ("bob", "alice")])
async def test_it_goes_where_the_account_has_it_and_all_else_stays(
    tmp_path: Path,
    microsoft: ScriptedMicrosoft,
    right: Registration,
    account: str,
    others: str,
) -> None:
    case = Case(tmp_path, microsoft)
    inode = case.file.stat().st_ino
    await case.change(account, right)
    config = case.read()
    assert registration_of(config, account) == right
    assert registration_of(config, others) == Registration("contoso.com", UUID(WRONG))
    after = case.file.read_text(encoding="utf-8")
    assert after.count("#") == case.text.count("#")
    assert len(after.splitlines()) == len(case.text.splitlines())
    assert case.file.stat().st_ino == inode
    assert case.reloaded == 1


async def test_what_microsoft_does_not_know_is_not_written(
    tmp_path: Path, microsoft: ScriptedMicrosoft
) -> None:
    case = Case(tmp_path, microsoft)
    with pytest.raises(MistakeError, match="700016"):
        await case.change("alice", Registration("contoso.com", UUID(int=7)))
    assert case.file.read_text(encoding="utf-8") == case.text
    assert not case.reloaded


async def test_where_the_environment_decides_the_file_stays_and_that_is_said(
    tmp_path: Path, microsoft: ScriptedMicrosoft, right: Registration
) -> None:
    case = Case(tmp_path, microsoft, {"PRESENCE_MICROSOFT__CLIENT_ID": WRONG})
    with pytest.raises(PersonMustActError, match="PRESENCE_MICROSOFT__CLIENT_ID"):
        await case.change("alice", right)
    assert case.file.read_text(encoding="utf-8") == case.text
    assert not case.reloaded


async def test_a_reload_that_is_refused_leaves_the_file_as_it_was(
    tmp_path: Path, microsoft: ScriptedMicrosoft, right: Registration
) -> None:
    case = Case(tmp_path, microsoft)

    def refuse() -> None:
        raise ConfigError(["no"])

    with pytest.raises(ConfigError):
        await change_registration(
            case.file, "alice", right, config=case.read(), read=case.read, reload=refuse
        )
    assert case.file.read_text(encoding="utf-8") == case.text


async def test_a_file_that_only_a_person_can_change_says_what_to_write(
    tmp_path: Path, microsoft: ScriptedMicrosoft, right: Registration
) -> None:
    case = Case(tmp_path, microsoft)
    config = case.read()
    case.file.write_text("microsoft.tenant = 'contoso.com'\n", encoding="utf-8")
    with pytest.raises(PersonMustActError) as caught:
        await change_registration(
            case.file, "alice", right, config=config, read=case.read, reload=case.reload
        )
    assert f'client_id = "{right.client_id}"' in caught.value.remedy
    assert "presence-bridge reload" in caught.value.remedy
