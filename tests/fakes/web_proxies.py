"""Real reverse proxies as people set them up: Caddy, nginx and Apache, in the foreground."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.fakes.mosquitto import free_port

SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
START_S = 30.0

CADDY = """\
{{
    admin off
    auto_https disable_redirects
    skip_install_trust
}}
{scheme}://127.0.0.1:{port} {{
    {tls}
    encode gzip
    handle_path {prefix}* {{
        reverse_proxy 127.0.0.1:{target}
    }}
}}
"""
NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    gzip on;
    gzip_proxied any;
    gzip_min_length 0;
    gzip_types *;
    proxy_buffering on;
    server {{
        listen 127.0.0.1:{port};
        location {prefix} {{
            proxy_pass http://127.0.0.1:{target}/;
{headers}        }}
    }}
}}
"""
NGINX_HEADERS = """\
            proxy_set_header Host $http_host;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
"""
APACHE = """\
ServerRoot {folder}
ServerName localhost
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
LoadModule filter_module {modules}/mod_filter.so
LoadModule deflate_module {modules}/mod_deflate.so
SetOutputFilter DEFLATE
ProxyPass {prefix} http://127.0.0.1:{target}/
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A program, and how it is told to stand before a page."""

    package: str
    program: str
    words: tuple[str, ...]
    config: str
    scheme: str = "http"


_CADDY = ("caddy", "caddy", ("run", "--adapter", "caddyfile", "--config", "{file}"), CADDY)
KINDS: Mapping[str, Kind] = {
    "caddy": Kind(*_CADDY),
    "caddy with TLS": Kind(*_CADDY, scheme="https"),
    "nginx": Kind("nginx", "nginx", ("-p", "{folder}", "-c", "{file}"), NGINX),
    "apache": Kind("apache2-bin", "apache2", ("-X", "-f", "{file}"), APACHE),
}
WITH_HEADERS = "nginx with headers"
FORWARDING: Mapping[str, Kind] = {
    **{kind: KINDS[kind] for kind in ("caddy", "caddy with TLS", "apache")},
    WITH_HEADERS: KINDS["nginx"],
}
"""Those that say for whom they ask."""


def needs_proxy(kind: str) -> None:
    """Skip with a reason where it is not installed: not every system has it."""
    wanted = {**KINDS, **FORWARDING}[kind]
    if shutil.which(wanted.program, path=SBIN) is None:
        pytest.skip(f"{kind} is not installed (apt-get install {wanted.package})")


@asynccontextmanager
async def proxy(kind: str, folder: Path, target: int, prefix: str = "/") -> AsyncIterator[str]:
    """The address of the page at port ``target`` behind a proxy, below ``prefix``."""
    wanted, port = {**KINDS, **FORWARDING}[kind], free_port()
    values = {
        "folder": folder,
        "port": port,
        "target": target,
        "prefix": prefix,
        "headers": NGINX_HEADERS if kind == WITH_HEADERS else "",
        "modules": "/usr/lib/apache2/modules",
        "scheme": wanted.scheme,
        "tls": "tls internal" if wanted.scheme == "https" else "",
        "file": folder / "config",
    }
    with _prepared(folder, wanted.config.format(**values)) as log:
        process = await asyncio.create_subprocess_exec(
            shutil.which(wanted.program, path=SBIN) or wanted.program,
            *(word.format(**values) for word in wanted.words),
            stdout=log,
            stderr=log,
            env={"HOME": str(folder), "PATH": SBIN},
        )
    try:
        await _listens(port, folder, tls=wanted.scheme == "https")
        yield f"{wanted.scheme}://127.0.0.1:{port}{prefix}"
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), START_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def _prepared(folder: Path, config: str) -> BinaryIO:
    folder.mkdir()
    (folder / "config").write_text(config, encoding="utf-8")
    return (folder / "log").open("wb")


async def _listens(port: int, folder: Path, *, tls: bool) -> None:
    """Wait until it listens, with TLS until it has made a certificate too."""
    context = ssl.create_default_context() if tls else None
    if context:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(START_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    return
    except TimeoutError:
        pytest.fail((folder / "log").read_text(encoding="utf-8", errors="replace"))
