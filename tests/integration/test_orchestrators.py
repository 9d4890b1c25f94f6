"""The manifests of a pair: what they set is read, and what they mount is what they name."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.config.loader import load
from bridge.config.tables.config import Config
from bridge.setup.owners import BRIDGE
from bridge.web.access.guard import OPEN_PATHS, WATCHDOG

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
YAML = importlib.import_module("yaml")
KUBERNETES = {
    (each["kind"], each["metadata"]["name"]): each["spec"]
    for each in YAML.safe_load_all(
        (PACKAGING / "kubernetes" / "standby.yaml").read_text(encoding="utf-8")
    )
}
PAIR = KUBERNETES["StatefulSet", "presence-bridge"]
POD = PAIR["template"]["spec"]
STACK = YAML.safe_load((PACKAGING / "swarm" / "stack.yml").read_text(encoding="utf-8"))


def of_pod(number: int) -> dict[str, str]:
    """The environment of one pod, as the kubelet makes it."""
    own = {"metadata.name": f"presence-bridge-{number}"}
    return {
        each["name"]: each.get("value") or own[each["valueFrom"]["fieldRef"]["fieldPath"]]
        for each in POD["containers"][0]["env"]
    }


def config_with(environ: Mapping[str, str], folder: Path) -> Config:
    """The shipped config below ``environ``, with the secrets in ``folder``."""
    shutil.copy(ROOT / "config.toml", folder)
    here = dict(environ)
    for name in (name for name in environ if name.endswith("_FILE")):
        secret = folder / Path(environ[name]).name
        secret.write_text("hunter2hunter2", encoding="utf-8")
        secret.chmod(0o600)
        here[name] = str(secret)
    return load(folder / "config.toml", here)


PAIRS = {
    "kubernetes": [of_pod(number) for number in range(PAIR["replicas"])],
    "swarm": [service["environment"] for service in STACK["services"].values()],
}


@pytest.mark.parametrize("pair", PAIRS)
def test_two_nodes_have_a_name_each_and_a_page_that_asks_for_a_password(
    pair: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    configs = [config_with(environ, tmp_path) for environ in PAIRS[pair]]
    assert len({config.standby.node for config in configs} - {None}) == len(configs) == 2
    for config in configs:
        assert (config.web.enabled, config.web.is_local, config.web.port) == (True, False, 8099)
        assert config.web.password_file
        assert (config.mqtt.username, config.mqtt.password is None) == ("bridge", False)
    assert not caplog.records, "a variable that is no setting"


@pytest.mark.parametrize("pair", PAIRS)
def test_no_password_stands_in_the_environment(pair: str) -> None:
    names = {name for environ in PAIRS[pair] for name in environ}
    assert not [name for name in names if name.endswith(("PASSWORD", "SECRET", "KEY"))]


def test_the_page_of_the_pair_is_that_of_who_serves() -> None:
    (container,) = POD["containers"]
    ready, alive = (container[name]["httpGet"] for name in ("readinessProbe", "livenessProbe"))
    assert (ready["path"], ready["path"] in OPEN_PATHS) == ("/readyz", True)
    assert alive["path"] == WATCHDOG
    page, nodes = (KUBERNETES["Service", name] for name in ("presence-bridge", PAIR["serviceName"]))
    assert page["selector"] == nodes["selector"] == PAIR["template"]["metadata"]["labels"]
    assert "publishNotReadyAddresses" not in page
    assert nodes["publishNotReadyAddresses"] is True


def test_nothing_waits_until_the_one_that_waits_is_ready() -> None:
    assert PAIR["podManagementPolicy"] == "Parallel"
    assert PAIR["updateStrategy"]["type"] == "OnDelete"


def test_a_pod_has_no_rights_that_it_does_not_need() -> None:
    (container,) = POD["containers"]
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    may = POD["securityContext"]
    assert may["runAsNonRoot"] is True
    assert {may[key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {BRIDGE.uid}
    writable = [each for each in container["volumeMounts"] if not each.get("readOnly")]
    (own,) = PAIR["volumeClaimTemplates"]
    assert writable == [{"name": own["metadata"]["name"], "mountPath": "/data"}]


def test_a_secret_is_where_a_pod_looks_for_it() -> None:
    mounts = {each["name"]: each["mountPath"] for each in POD["containers"][0]["volumeMounts"]}
    files = [value for name, value in of_pod(0).items() if name.endswith("_FILE")]
    assert [Path(file).parent for file in files] == [Path(mounts["secrets"])] * len(files)


def test_the_two_of_a_swarm_are_on_two_machines_with_a_volume_each() -> None:
    services = STACK["services"].values()
    assert all(service["read_only"] and service["cap_drop"] == ["ALL"] for service in services)
    volumes = [service["volumes"] for service in services]
    assert sorted(volume.split(":")[0] for (volume,) in volumes) == sorted(STACK["volumes"])
    places = {str(service["deploy"]["placement"]) for service in services}
    assert len(places) == len(services)
    assert [service["deploy"]["replicas"] for service in services] == [1, 1]


@pytest.mark.parametrize("name", STACK["services"])
def test_a_secret_is_where_a_service_of_a_swarm_looks_for_it(name: str) -> None:
    service: dict[str, Any] = STACK["services"][name]
    files = [value for key, value in service["environment"].items() if key.endswith("_FILE")]
    assert files == [f"/run/secrets/{secret['source']}" for secret in service["secrets"]]
    assert {secret["uid"] for secret in service["secrets"]} == {str(BRIDGE.uid)}
    assert {secret["source"] for secret in service["secrets"]} == set(STACK["secrets"])
