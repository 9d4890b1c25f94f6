"""A device of packaging/esphome as a program on this machine: its own lambdas, compiled with g++.

``esphome_device.h`` stands in for ESPHome: a broker, JSON objects, a lamp, timers. What a script
does is read from the files: lambdas, other scripts, delays.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import yaml

FOLDER = Path(__file__).parents[2] / "packaging" / "esphome"
HEADER = Path(__file__).with_suffix(".h")
MAIN = """
int main() {
%(boot)s
  std::string line, kind, topic, part;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::getline(words, kind, '\\t');
    std::getline(words, topic, '\\t');
    if (kind == "wait") pass(std::stol(topic));
    if (kind == "lost") {
%(lost)s
    }
    if (kind == "text") {
      std::string x;
      std::getline(words, x);
%(text)s
    }
    if (kind == "json") {
      JsonObject x;
      while (std::getline(words, part, '\\t'))
        x.fields[part.substr(0, part.find('='))] = part.substr(part.find('=') + 1);
      for (const auto &[filter, heard] : broker.heard)
        if (matches(filter, topic)) heard(topic, x);
%(json)s
    }
    std::cout << look << "\\t" << shown << std::endl;
  }
}
"""


class _Loader(yaml.SafeLoader):
    """Knows ESPHome's tags; what is included is merged by ``_whole``."""


_Loader.add_constructor("!include", lambda _, node: str(node.value))
_Loader.add_constructor("!secret", lambda _, node: str(node.value))


def _read(name: str, substitutions: Mapping[str, str]) -> dict[str, Any]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    for key, value in substitutions.items():
        text = text.replace(f"${{{key}}}", value)
    found: dict[str, Any] = yaml.load(text, _Loader)
    return found


def _whole(name: str) -> dict[str, Any]:
    """One device with its package."""
    substitutions = {key: str(value) for key, value in _read(name, {})["substitutions"].items()}
    own, base = (_read(file, substitutions) for file in (name, "presence-base.yaml"))
    both = {key: [*base.get(key, ()), *own.get(key, ())] for key in ("globals", "script")}
    return {**own, "mqtt": base["mqtt"], "boot": base["esphome"]["on_boot"]["then"], **both}


def _code(lambda_: str) -> str:
    calls = re.sub(r"id\((\w+)\)\.execute\(\)", r"\1()", lambda_)
    return "[&]() {\n" + re.sub(r"id\((\w+)\)", r"\1", calls) + "\n}();"


def _actions(actions: Any, script: str = "") -> str:
    """What a list of actions does, as C++; after a delay comes the rest."""
    lines = []
    for place, action in enumerate([actions] if isinstance(actions, dict) else actions):
        ((what, value),) = action.items()
        if what == "lambda":
            lines.append(_code(value))
        elif what == "script.execute":
            lines.append(f"{value}();")
        elif what == "component.update":
            lines.append("shown = words;")
        else:
            assert (what, value[-3:]) == ("delay", "min"), what
            rest = _actions(actions[place + 1 :])
            lines.append(f'later("{script}", {value[:-3]} * 60, [] {{\n{rest}\n}});')
            break
    return "\n".join(lines)


def _on(triggers: Any) -> str:
    return "\n".join(
        f'if (topic == "{one["topic"]}") {{\n{_actions(one["then"])}\n}}' for one in triggers
    )


def source(name: str) -> str:
    """The program of the device whose file is called ``name``."""
    device = _whole(name)
    values = [
        f"static {value['type']} {value['id']}"
        f"{' = ' + value['initial_value'] if 'initial_value' in value else ''};"
        for value in device["globals"]
    ]
    names = [f"void {script['id']}();" for script in device["script"]]
    scripts = [
        f"void {script['id']}() {{\n{_actions(script['then'], script['id'])}\n}}"
        for script in device["script"]
    ]
    mqtt = device["mqtt"]
    main = MAIN % {
        "boot": _actions(device["boot"]),
        "lost": _actions(mqtt["on_disconnect"]),
        "text": _on(mqtt["on_message"]),
        "json": _on(mqtt["on_json_message"]),
    }
    return "\n".join([f'#include "{HEADER.name}"', *values, *names, *scripts, main])


def build(name: str, folder: Path) -> Path:
    """Compile the device whose file is called ``name``."""
    code, program = folder / f"{name}.cpp", folder / name.removesuffix(".yaml")
    code.write_text(source(name), encoding="utf-8")
    words = ["g++", "-std=gnu++20", "-Wall", "-Wextra", "-Werror", f"-I{HEADER.parent}"]
    built = subprocess.run(
        [*words, str(code), "-o", str(program)], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return program


class Said(NamedTuple):
    """What a device has decided, and what it shows: words, or a lamp's last command."""

    look: str
    shown: str


class EsphomeDevice:
    """One that runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.said = Said("", "")

    def _say(self, *words: str) -> Self:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\t".join(words) + "\n")
        self._process.stdin.flush()
        self.said = Said(*self._process.stdout.readline().rstrip("\n").split("\t"))
        return self

    def receive(self, topic: str, payload: str | Mapping[str, Any]) -> Self:
        """Let it hear a message; of JSON objects only texts count."""
        if isinstance(payload, str):
            return self._say("text", topic, payload)
        fields = json.loads(json.dumps(payload))
        texts = [f"{key}={value}" for key, value in fields.items() if isinstance(value, str)]
        return self._say("json", topic, *texts)

    def lose(self) -> Self:
        """Take the broker from it."""
        return self._say("lost", "")

    def wait(self, seconds: int) -> Self:
        """Let time pass."""
        return self._say("wait", str(seconds))


@contextmanager
def running(program: Path) -> Iterator[EsphomeDevice]:
    """The device, as it starts."""
    process = subprocess.Popen(
        [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    with process:
        yield EsphomeDevice(process)
        assert process.stdin is not None
        process.stdin.close()
