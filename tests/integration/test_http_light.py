"""The ``http`` kind over real sockets: the examples of its page, and devices that misbehave."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, LightState
from bridge.demo.certificate import make_certificate
from drivers import http_light
from drivers.base import Capability, Surroundings, Words
from drivers.http_light.options import HttpOptions
from drivers.rules import DEFAULT_LOOKS, Shown
from drivers.runtime.lamp import Lamp
from drivers.settings import Common
from drivers.testing import FakeBus, ManualClock
from tests.fakes.http_devices import HomeMade, HttpDevice, Shelly, Webhook, WledPage, drip, scaled

PAGE = (Path(__file__).parents[2] / "docs" / "lights" / "http.md").read_text(encoding="utf-8")
EXAMPLES = {
    name: table
    for block in re.findall(r"(?ms)^```toml\n(.*?)^```", PAGE)
    for name, table in tomllib.loads(block)["drivers"].items()
    if "login" not in table
}
DIGEST = next(
    tomllib.loads(block)["drivers"]["porch"]
    for block in re.findall(r"(?ms)^```toml\n(.*?)^```", PAGE)
    if "login" in block
)
SECRET = "s3cr3t-w3bh00k"
RED = LightState(color=(255, 0, 0), brightness=0.5)
ALICE = Words('al"ice', "in_a_call", "busy", "in_a_call")


@asynccontextmanager
async def opened(
    folder: Path, device: HttpDevice | str, /, **keys: Any
) -> AsyncIterator[tuple[Any, Any]]:
    """The light, and its kind; the host of the addresses is that of the device."""
    address = device if isinstance(device, str) else device.address
    own = {key: value for key, value in keys.items() if key not in Common.model_fields}
    for table in (own, own.get("off", {})):
        if "url" in table:
            table["url"] = re.sub(r"^https?://[^/]+", address, table["url"])
    options = HttpOptions.model_validate(own, context={"folder": folder})
    kind = http_light.tailored(options)
    around = Surroundings("desk", folder, ManualClock(), FakeBus())
    async with kind.open(options, around) as light:
        yield light, kind


def example(name: str) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(json.dumps(EXAMPLES[name]))
    return table


@pytest.mark.parametrize(
    ("name", "device", "worst"), [("porch", Shelly(), 3), ("shelf", WledPage(), 1)]
)
async def test_each_look_arrives_on_the_devices_of_the_page(
    tmp_path: Path, name: str, device: HttpDevice, worst: int
) -> None:
    async with device.running(), opened(tmp_path, device, **example(name)) as (light, kind):
        assert kind.capability is Capability.COLOR
        for look in (*DEFAULT_LOOKS.values(),):
            state = look.state()
            await light.apply(state)
            on, color = device.shows
            assert on is state.on
            wanted = scaled(state.color, state.brightness) if state.on else (0, 0, 0)
            assert all(abs(a - b) <= worst for a, b in zip(color, wanted, strict=True))


async def test_a_shelly_with_a_password_is_answered_and_never_gets_the_password_itself(
    tmp_path: Path,
) -> None:
    file = tmp_path / "secrets" / "porch"
    file.parent.mkdir()
    shelly = Shelly(password=SECRET)
    async with shelly.running(), opened(tmp_path, shelly, **DIGEST) as (light, _):
        file.write_text(f"{SECRET}\n", encoding="utf-8")
        for _ in range(2):
            await light.apply(RED)
        assert shelly.looks == 2
        file.write_text("another\n", encoding="utf-8")
        with pytest.raises(LightRefusedError, match="refuses access: HTTP 401") as refused:
            await light.apply(OFF)
        assert SECRET not in str(refused.value)
        assert shelly.looks == 2
        file.write_text(SECRET, encoding="utf-8")
        await light.apply(OFF)
        assert shelly.shows == (False, (0, 0, 0))
    heard = [request.headers.get("Authorization", "") for request in shelly.requests]
    assert [words.partition(" ")[0] for words in heard] == ["", "Digest"] * 4
    assert SECRET not in "".join(heard)


async def test_a_webhook_gets_words_and_its_secret_stays_in_its_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "webhook").write_text(f"{SECRET}\n", encoding="utf-8")
    certificate = make_certificate(tmp_path / "tls")
    hook = Webhook(SECRET, certificate.server_context())
    table = example("hook") | {"ca_file": str(certificate.ca_file)}
    async with hook.running(), opened(tmp_path, hook, **table) as (light, kind):
        assert (kind.capability, len(kind.effects)) == (Capability.COLOR, 3)
        light.say(ALICE)
        await light.apply(RED)
        assert hook.heard == [
            {"person": 'al"ice', "activity": "in_a_call", "look": "in_a_call"},
        ]
    caplog.set_level(logging.DEBUG)
    with pytest.raises(LightUnreachableError) as gone:
        async with opened(tmp_path, hook, **table) as (light, _):
            await light.apply(RED)
    assert SECRET not in caplog.text + str(gone.value) + repr(gone.value.__cause__)
    (tmp_path / "secrets" / "webhook").unlink()
    async with opened(tmp_path, hook, **table) as (light, _):
        with pytest.raises(LightRefusedError, match=r"secrets/webhook: No such file"):
            await light.apply(RED)


async def answered(device: HttpDevice, folder: Path, **keys: Any) -> Exception | None:
    """What one look comes to."""
    table = {"url": "http://here/light?key={secret}", "secret_file": str(folder / "secret")}
    (folder / "secret").write_text(SECRET, encoding="utf-8")
    async with opened(folder, device, **(table | {"body": "{hex}"} | keys)) as (light, _):
        try:
            await light.apply(RED)
        except (LightRefusedError, LightUnreachableError) as error:
            return error
    return None


class Answering(HttpDevice):
    """Answers as it was made to."""

    def __init__(self, status: int = 200, **headers: str) -> None:
        super().__init__()
        self._answer = status, {name.replace("_", "-"): text for name, text in headers.items()}

    async def answer(self, request: web.Request, body: str) -> web.StreamResponse:
        status, headers = self._answer
        return web.Response(status=status, headers=headers)


@pytest.mark.parametrize(
    ("device", "kind", "words"),
    [
        (Answering(200), None, ""),
        (Answering(204), None, ""),
        (Answering(301, Location=f"https://new/{SECRET}"), LightRefusedError, "to https://new."),
        (Answering(302, Location="/elsewhere"), LightRefusedError, "has moved: HTTP 302."),
        (Answering(307, Location="http://[bad"), LightRefusedError, "no redirect is followed"),
        (Answering(400), LightRefusedError, "rejects the request: HTTP 400"),
        (Answering(401, WWW_Authenticate='Basic realm="x"'), LightRefusedError, "asks for Basic"),
        (Answering(403), LightRefusedError, "refuses access: HTTP 403."),
        (Answering(404), LightRefusedError, "HTTP 404"),
        (Answering(429, Retry_After="7"), LightUnreachableError, "HTTP 429"),
        (Answering(500), LightUnreachableError, "HTTP 500"),
        (Answering(503, Retry_After="99999999"), LightUnreachableError, "HTTP 503"),
        (Shelly(password=SECRET), LightRefusedError, "asks for Digest"),
    ],
)
async def test_each_answer_is_for_a_person_or_for_another_try(
    tmp_path: Path, device: HttpDevice, kind: type[Exception] | None, words: str
) -> None:
    async with device.running():
        error = await answered(device, tmp_path)
    assert type(error) is (kind or type(None))
    assert words in str(error)
    assert SECRET not in str(error)
    waits = {"429": 7.0, "503": 3600.0}
    asked = getattr(error, "retry_after_s", None)
    assert asked == next((s for status, s in waits.items() if f"HTTP {status}" in str(error)), None)
    assert len(device.requests) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/x", "refuses connections"),
        ("http://nobody.invalid/x", "has no address"),
        ("http://a..b/x", "has no address"),
    ],
)
async def test_who_is_not_there_is_retried(tmp_path: Path, url: str, words: str) -> None:
    host = url.rpartition("/")[0]
    async with opened(tmp_path, host, url=url, body="{hex}") as (light, _):
        with pytest.raises(LightUnreachableError, match=words):
            await light.apply(RED)


async def test_a_device_that_drips_is_cut_off_and_the_next_look_need_not_wait(
    tmp_path: Path,
) -> None:
    device = HomeMade()
    device.misbehaves = drip
    device.user = None
    keys = {"url": "http://here/light", "method": "PUT", "timeout": 0.5}
    keys |= {"body": '{"hex":"{hex}","text":""}'}
    async with device.running(), opened(tmp_path, device, **keys) as (light, kind):
        target, seen = Latest[Shown](RED), list[bool]()
        clock = ManualClock()
        lamp = Lamp(light, kind, name="desk", target=target, clock=clock, reachable=seen.append)
        running = asyncio.create_task(lamp.run())
        async with asyncio.timeout(20):
            while False not in seen:  # noqa: ASYNC110 - the lamp wakes nobody
                await asyncio.sleep(0.01)
            device.misbehaves = None
            while True not in seen:
                await clock.advance(1)
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait({running})


async def test_who_speaks_no_http_is_retried_and_not_believed(tmp_path: Path) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-lamp\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        for scheme in ("http", "https"):
            host = f"{scheme}://127.0.0.1:{port}"
            async with opened(tmp_path, host, url=f"{host}/x", body="{hex}") as (light, _):
                with pytest.raises(LightUnreachableError, match=r"TLS|breaks the connection"):
                    await light.apply(RED)


async def test_a_certificate_that_nobody_trusts_or_of_another_name_is_refused(
    tmp_path: Path,
) -> None:
    ours, theirs = make_certificate(tmp_path / "a"), make_certificate(tmp_path / "b", ["elsewhere"])
    for certificate, ca_file in ((ours, theirs.ca_file), (ours, None), (theirs, theirs.ca_file)):
        device = _with(certificate)
        async with device.running():
            keys = {"ca_file": str(ca_file)} if ca_file else {}
            error = await answered(device, tmp_path, **keys)
        assert isinstance(error, LightRefusedError)
        assert "certificate that is not trusted" in str(error)
        assert device.requests == []


async def test_a_file_of_authorities_that_has_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none", encoding="utf-8")
    device = _with(make_certificate(tmp_path / "a"))
    async with device.running():
        error = await answered(device, tmp_path, ca_file="ca.pem")
    assert isinstance(error, LightRefusedError)
    assert "ca.pem: holds no certificate" in str(error)


async def test_the_password_is_reread_and_never_shown(tmp_path: Path) -> None:
    device = HomeMade()
    file = tmp_path / "password"
    file.write_text("wrong one", encoding="utf-8")
    keys = {"url": "http://here/light", "method": "PUT", "body": '{"hex":"{hex}","text":""}'}
    keys |= {"username": "desk", "password_file": str(file)}
    async with device.running(), opened(tmp_path, device, **keys) as (light, _):
        with pytest.raises(LightRefusedError) as refused:
            await light.apply(RED)
        assert "wrong" not in str(refused.value)
        file.write_text("open sesame\n", encoding="utf-8")
        await light.apply(RED)
        assert device.shows == (True, RED.rgb)


async def test_a_bearer_token_and_a_header_of_ones_own(tmp_path: Path) -> None:
    device = Answering()
    (tmp_path / "token").write_text("t0k3n", encoding="utf-8")
    keys: dict[str, Any] = {"token_file": "token", "headers": {"X-Look": "{look} {secret}"}}
    async with device.running():
        assert await answered(device, tmp_path, **keys, url="http://here/a") is None
    sent = device.requests[0].headers
    assert sent["Authorization"] == "Bearer t0k3n"
    assert sent["X-Look"].endswith(SECRET)
    assert sent["Content-Type"] == "text/plain; charset=utf-8"


async def test_words_are_encoded_for_the_place_where_they_stand(tmp_path: Path) -> None:
    device = Answering()
    keys: dict[str, Any] = {"url": "http://here/{person}?a={activity}", "method": "GET"}
    keys |= {"headers": {"X-Who": "{availability}"}, "words": {"in_a_call": "Gespräch & mehr"}}
    async with device.running(), opened(tmp_path, device, **keys) as (light, _):
        light.say(Words("../a b", "in_a_call", "x\r\nX: y"))
        await light.apply(RED)
    (request,) = device.requests
    assert request.path_qs == "/..%2Fa%20b?a=Gespr%C3%A4ch%20%26%20mehr"
    assert request.headers["X-Who"] == "x??X: y"
    assert "X" not in request.headers


async def test_off_has_a_request_of_its_own_and_a_look_is_repeated_in_time(tmp_path: Path) -> None:
    device = Answering()
    keys: dict[str, Any] = {"url": "http://here/on", "repeat": 60, "body": "{hex}"}
    keys |= {"off": {"url": "http://here/off", "method": "PUT", "body": "dark"}}
    async with device.running(), opened(tmp_path, device, **keys) as (light, _):
        await light.apply(RED)
        await light.apply(OFF)
        assert [(r.method, r.path) for r in device.requests] == [("POST", "/on"), ("PUT", "/off")]
        await light.refresh()
        await light._clock.advance(60)
        await light.refresh()
        await light.refresh()
        assert [r.path for r in device.requests][2:] == ["/off"]


async def test_it_reconnects_for_each_look_and_can_do_no_more_than_it_was_asked_for(
    tmp_path: Path,
) -> None:
    first, second = Answering(), Answering()
    keys = {"url": "http://here/x", "body": "{hex}"}
    async with first.running(), opened(tmp_path, first, **keys) as (light, _):
        assert not hasattr(light, "say")
        assert not hasattr(light, "refresh")
        await light.apply(RED)
        await first.unplug()
        second.port = first.port
        async with second.running():
            await light.apply(RED)
    assert len(first.requests) == len(second.requests) == 1


def _with(certificate: Any) -> HttpDevice:
    device = Answering()
    device._context = certificate.server_context()
    return device
