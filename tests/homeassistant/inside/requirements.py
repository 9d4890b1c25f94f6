"""Prints what the integrations of the tests need. Runs in Home Assistant's own Python.

With all of it installed, Home Assistant starts with ``--skip-pip`` and without the internet.
"""

import json
import sys
from pathlib import Path

import homeassistant  # type: ignore[import-not-found]
from homeassistant import bootstrap

COMPONENTS = Path(homeassistant.__file__).parent / "components"
WANTED = (
    *(
        "mqtt",
        "mobile_app",
        "automation",
        "blueprint",
        "template",
        "scene",
        "universal",
        "schedule",
    ),
    *(
        "input_boolean",
        "input_select",
        "lovelace",
        "frontend",
        "http",
        "onboarding",
        "config",
        "api",
    ),
    *("history", "logbook", "recorder", "logger", "trace", "stream", "my", "light", "media_player"),
    *("isal", "network", "system_log", "labs", "search", "sensor", "device_automation"),
)


def requirements() -> set[str]:
    """Those of the wanted integrations and of all that these depend on."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = set(WANTED)
    for name in ("CORE_INTEGRATIONS", "DEFAULT_INTEGRATIONS", "FRONTEND_INTEGRATIONS"):
        waiting |= set(getattr(bootstrap, name, ()))
    waiting |= set(getattr(bootstrap, "BASE_PLATFORMS", ()))
    while waiting:
        domain = waiting.pop()
        seen.add(domain)
        manifest = _manifest(domain)
        found |= set(manifest.get("requirements", ()))
        waiting |= set(manifest.get("dependencies", ())) - seen
        if domain in WANTED:  # some import what they only load after
            for after in manifest.get("after_dependencies", ()):
                found |= set(_manifest(after).get("requirements", ()))
    return found


def _manifest(domain: str) -> dict[str, list[str]]:
    file = COMPONENTS / domain / "manifest.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


if __name__ == "__main__":
    sys.stdout.write("\n".join(sorted(requirements())) + "\n")
