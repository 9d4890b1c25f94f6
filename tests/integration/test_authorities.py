"""A file of authorities that cannot be used ends ``run`` and ``login`` with one line about it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.fakes.forks import Forks

CONFIG = """
state_dir = "state"
[mqtt]
host = "127.0.0.1"
port = 1
[microsoft]
tenant = "contoso.com"
client_id = "11111111-2222-3333-4444-555555555555"
[network]
ca_file = "{ca_file}"
[accounts.alice]
"""
MISSING = "No such file or directory; correct the path, or"
JUNK = "holds no certificate; correct the path, or"


@pytest.mark.parametrize("command", ["run", "login"])
@pytest.mark.parametrize(
    ("ca_file", "variable", "told"),
    [
        ("nowhere.pem", "", "network.ca_file: {folder}/nowhere.pem: " + MISSING + " take it out"),
        ("junk.pem", "", "network.ca_file: {folder}/junk.pem: " + JUNK + " take it out"),
        ("secrets", "", "network.ca_file: {folder}/secrets: Is a directory; correct the path, or"),
        ("", "SSL_CERT_FILE=nowhere.pem", "SSL_CERT_FILE: nowhere.pem: " + MISSING + " unset it"),
        ("", "REQUESTS_CA_BUNDLE=junk.pem", "REQUESTS_CA_BUNDLE: junk.pem: " + JUNK + " unset it"),
    ],
)
def test_the_key_the_file_and_the_cure_are_reported_in_one_line(
    tmp_path: Path, forks: Forks, *, command: str, ca_file: str, variable: str, told: str
) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.format(ca_file=ca_file), encoding="utf-8")
    (tmp_path / "junk.pem").write_text("junk", encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    environ = {k: v for k, v in os.environ.items() if k != "SSL_CERT_FILE"}
    name, _, value = variable.partition("=")
    words = [sys.executable, "-m", "bridge", command, "--log-level", "error"]
    environ = {**environ, name or "UNUSED": value}
    done = forks.run(words, environ=environ, cwd=tmp_path)
    assert done.stderr.startswith(f"config: {told.format(folder=tmp_path)}")
    assert done.stderr.count("\n") == 1
    assert done.returncode == 2
