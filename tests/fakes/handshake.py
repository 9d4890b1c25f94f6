"""Shakes hands as the bridge would, and tells how it went. Runs on a Python without our libraries.

python tests/fakes/handshake.py ROOT microsoft|broker CA_FILE|- CHAIN_FILE KEY_FILE NAME
"""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any


def main() -> None:
    """Print ``trusted``, or why not."""
    root, whose, ca_file, chain_file, key_file, name = sys.argv[1:]
    settings = SimpleNamespace(ca_file=None if ca_file == "-" else Path(ca_file))
    context = _context(Path(root), whose, settings)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain_file, key_file)
    print(_shaken(context, server, name))  # noqa: T201 - it is what is asked for


def _context(root: Path, whose: str, settings: Any) -> ssl.SSLContext:
    sys.path.insert(0, str(root))
    for name in ("bridge.config", "bridge.broker"):  # their own first lines need libraries
        package = ModuleType(name)
        package.__path__ = [str(root / name.replace(".", "/"))]
        sys.modules[name] = package
    if whose == "microsoft":
        from bridge.config.authorities import authorities  # noqa: PLC0415 - once it can be found

        found = authorities(settings)
        return ssl.create_default_context() if found is True else found
    host = ModuleType("bridge.config.tables.shared")
    host.MqttSettings = SimpleNamespace  # type: ignore[attr-defined]
    sys.modules[host.__name__] = host
    from bridge.broker.tls import tls_context  # noqa: PLC0415 - once it can be found

    settings.host, settings.server_name, settings.cert_file = "localhost", None, None
    return tls_context(settings, within_s=60)


def _shaken(context: ssl.SSLContext, server: ssl.SSLContext, name: str) -> str:
    """Both sides in memory, turn by turn."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        context.wrap_bio(back, there, server_hostname=name),
        server.wrap_bio(there, back, server_side=True),
    ]
    for _ in range(10):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
            if side is sides[0]:
                return "trusted"
    return "never done"


if __name__ == "__main__":
    main()
