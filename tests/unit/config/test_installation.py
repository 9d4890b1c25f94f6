"""The command that adds a library is the one that works for how the program was installed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.config.installation import Installation, this_installation

PYTHON = "/opt/presence-bridge/bin/python3"
REQUIRES = (
    "aiohttp<4,>=3.14",
    "gpiozero>=2.0.1.post3; extra == 'gpio'",
    "lgpio>=0.2.2.0; (python_version < '3.13' and sys_platform == 'linux') and extra == 'gpio'",
    "phue==1.1; extra == 'hue'",
    "phue==1.1; extra == 'lights'",
)


def installed(origin: dict[str, Any], **more: Any) -> Installation:
    return Installation(PYTHON, origin, requires=REQUIRES, **more)


def test_from_a_clone_it_is_installed_from_there_once_more(tmp_path: Path) -> None:
    clone = tmp_path / "my bridge"
    clone.mkdir()
    url = clone.as_uri()
    assert installed({"url": url, "dir_info": {}}).cure("hue") == (
        f"Run: {PYTHON} -m pip install '{clone}[hue]'"
    )
    assert installed({"url": url, "dir_info": {"editable": True}}).cure("hue") == (
        f"Run: {PYTHON} -m pip install --editable '{clone}[hue]'"
    )


def test_where_the_clone_is_gone_its_libraries_are_installed_alone(tmp_path: Path) -> None:
    gone = installed({"url": (tmp_path / "gone").as_uri(), "dir_info": {}})
    assert gone.cure("hue") == f"Run: {PYTHON} -m pip install phue==1.1"
    assert gone.needed("gpio") == {
        "gpiozero": "gpiozero>=2.0.1.post3",
        "lgpio": 'lgpio>=0.2.2.0; (python_version < "3.13" and sys_platform == "linux")',
    }


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        ({}, "'presence-bridge[hue]'"),
        (
            {"url": "https://git.example/bridge.git", "vcs_info": {"vcs": "git"}},
            "'presence-bridge[hue] @ git+https://git.example/bridge.git'",
        ),
        (
            {
                "url": "https://git.example/bridge.git",
                "vcs_info": {"vcs": "git", "requested_revision": "v0.2.0"},
            },
            "'presence-bridge[hue] @ git+https://git.example/bridge.git@v0.2.0'",
        ),
        (
            {"url": "https://files.example/a.whl", "archive_info": {}},
            "'presence-bridge[hue] @ https://files.example/a.whl'",
        ),
    ],
)
def test_from_elsewhere_it_is_asked_for_there(origin: dict[str, Any], source: str) -> None:
    assert installed(origin).cure("hue") == f"Run: {PYTHON} -m pip install {source}"


def test_a_wheel_that_is_still_there_is_taken_unless_an_image_was_made_from_it(
    tmp_path: Path,
) -> None:
    wheel = tmp_path / "presence_bridge-0.1.0-py3-none-any.whl"
    wheel.touch()
    origin = {"url": wheel.as_uri(), "archive_info": {}}
    assert installed(origin).cure("hue") == f"Run: {PYTHON} -m pip install '{wheel}[hue]'"
    assert installed(origin, in_container=True).cure("hue") == (
        "The image for lamps has it: docker compose --profile driver up -d."
    )
    assert "outside of a container" in installed(origin, in_container=True).cure("pixels")


def test_on_a_python_that_pip_has_no_lgpio_for_the_system_gives_it() -> None:
    ours = installed({})
    assert replace(ours, version=(3, 12)).cure("gpio").endswith("'presence-bridge[gpio]'")
    for version in ((3, 13), (3, 14)):
        newer = replace(ours, version=version)
        assert "apt-get install python3-lgpio" in newer.cure("gpio")
        assert "lgpio" not in newer.cure("usb")
        assert "apt-get" not in replace(newer, in_container=True, origin={"archive_info": {}}).cure(
            "gpio"
        )


def test_uv_is_used_where_uv_was() -> None:
    assert installed({}, installer="uv").cure("usb") == (
        f"Run: uv pip install --python {PYTHON} 'presence-bridge[usb]'"
    )


def test_this_one_is_read_from_its_metadata(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    here = this_installation([mark])
    assert here.needed("hue") == {"phue": "phue==1.1"}
    assert not here.in_container
    mark.touch()
    assert this_installation([mark]).in_container
