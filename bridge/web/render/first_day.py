"""What to do next where nothing is connected yet: lamps, Home Assistant. Pure."""

from __future__ import annotations

from markupsafe import Markup

from bridge import DOCS_URL
from bridge.web.render.document import section
from bridge.web.render.forms import disclosure
from bridge.web.render.markup import tag


def no_lights(broker: str) -> Markup:
    """Stands where the lamps will be; ``broker`` is where all of them meet."""
    card = tag(
        "div",
        tag("p", "No lamp yet."),
        disclosure(
            "Add a lamp",
            tag(
                "ol",
                tag("li", "Choose what shines, and write its table into config.toml: ", _lamps()),
                tag("li", "On the machine that it hangs on, start presence-driver NAME."),
                tag("li", "It appears here by itself."),
            ),
        ),
        disclosure(
            "Show it in Home Assistant",
            tag(
                "ol",
                tag("li", "Settings, Devices & services, Add integration: MQTT."),
                tag("li", f"Give it the same broker; the bridge reaches it as {broker}."),
                tag("li", "People appear there as devices by themselves. ", _home_assistant()),
            ),
        ),
        class_="card",
    )
    return section("lights", "Lights", card)


def _lamps() -> Markup:
    return _guide("lights.md", "lamps, kind by kind")


def _home_assistant() -> Markup:
    return _guide("home-assistant.md", "What is there, and what to make of it")


def _guide(page: str, words: str) -> Markup:
    return tag("a", words, href=f"{DOCS_URL}/{page}", target="_blank", rel="noreferrer")
