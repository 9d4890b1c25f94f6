"""An organisation's people through one certificate, from the command that makes it to MQTT."""

from pathlib import Path

from tests.e2e.conftest import Stage
from tests.fakes.subscriber import subscriber

APP = """
[accounts.staff]
sign_in = "app"
group = "{group}"
certificate_file = "secrets/app.pem"
private_key_file = "secrets/app.key"
[accounts.quiet]
sign_in = "app"
people = ["zoe@contoso.com"]
homeassistant = false
certificate_file = "secrets/app.pem"
private_key_file = "secrets/app.key"
"""

ROLES = ("Presence.Read.All", "User.Read.All", "GroupMember.Read.All")


async def upload(stage: Stage, folder: Path) -> str:
    """Make a certificate by the command, upload it, and return what the command said."""
    told = await stage.command("bridge", "certificate", "create", "--folder", str(folder))
    assert told.returncode == 0, told.stderr
    stage.home.app.certificates.append((folder / "app.pem").read_bytes())
    stage.home.app.roles = set(ROLES)
    return told.stdout


async def test_a_certificate_is_made_once_and_says_what_to_do_with_it(stage: Stage) -> None:
    folder = stage.folder / "secrets"
    told = await upload(stage, folder)
    assert "Upload certificate" in told
    assert f'certificate_file = "{folder / "app.pem"}"' in told
    key = (folder / "app.key").read_bytes()
    again = await stage.command("bridge", "certificate", "create", "--folder", str(folder))
    assert again.returncode == 1
    assert again.stderr.startswith("certificate: ")
    assert "is not overwritten" in again.stderr
    assert (folder / "app.key").read_bytes() == key
    wrong = await stage.command("bridge", "certificate", "create", "--days", "0")
    assert (wrong.returncode, wrong.stderr) == (2, "config: --days: must be at least 1\n")


async def test_the_address_of_admin_consent_is_that_of_the_tenant(stage: Stage) -> None:
    told = await stage.command("bridge", "consent-url", "alice")
    login, client_id = stage.microsoft.login_url, stage.home.app.client_id
    assert told.stdout == f"{login}/contoso.com/adminconsent?client_id={client_id}\n"
    nobody = await stage.command("bridge", "consent-url", "bob")
    assert nobody.returncode == 2


async def test_a_group_and_named_people_are_published_beside_a_persons_own_sign_in(
    stage: Stage,
) -> None:
    directory, tenant = stage.home.directory, stage.home.tenant
    ann, zoe = (directory.add_person(tenant, f"{n}@contoso.com") for n in ("ann", "zoe"))
    staff = directory.add_group(tenant, "staff", [ann, zoe, stage.home.person])
    await upload(stage, stage.folder / "secrets")
    stage.configure(APP.format(group=staff.group_id))
    bridge = stage.start("bridge", "run")
    for account in ("alice", "staff_ann", "quiet_zoe"):
        await stage.mqtt.until_text(f"presence/account/{account}/availability", "online")
    config = "homeassistant/device/presence_account_{}/config"
    await stage.mqtt.until(config.format("staff_ann"), lambda h: bool(h.payload))
    directory.change(zoe, "Busy", "InACall")
    await stage.mqtt.until(
        "presence/account/quiet_zoe/state", lambda h: h.json["activity"] == "in_a_call"
    )
    shown = await stage.command("bridge", "accounts")
    names = [line.split()[0] for line in shown.stdout.splitlines()]
    assert names == ["ACCOUNT", "alice", "staff_ann", "quiet_zoe"]

    stage.configure()
    assert (await stage.command("bridge", "reload")).returncode == 0
    await stage.mqtt.until_text(config.format("staff_ann"), "")
    async with subscriber(stage.broker.port, topic="#") as fresh:
        await fresh.until("presence/account/alice/state")
        stored = {heard.topic for heard in fresh.heard}
    assert not any("staff_" in topic or "quiet_" in topic for topic in stored)
    assert stage.stop(bridge) == 0
