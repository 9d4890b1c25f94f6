"""Each way in which the certificate files of [mqtt] can be unusable is named with its cure."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from bridge.broker.tls import tls_context
from bridge.config.tables.shared import MqttSettings
from bridge.contract.errors import ConfigError
from bridge.demo.certificate import ServerCertificate, make_certificate
from tests.fakes.other_user import as_nobody, let_in, mode, only_root


@pytest.fixture
def files(tmp_path: Path) -> ServerCertificate:
    """A client's certificate and key, and the authority of the broker."""
    return make_certificate(tmp_path / "tls", ["client"])


def complaint(**files: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        tls_context(MqttSettings(tls=True, **files), within_s=60)
    (problem,) = caught.value.problems
    return problem


def given(files: ServerCertificate, **others: Path) -> dict[str, Path]:
    return {"cert_file": files.cert_file, "key_file": files.key_file} | others


def test_good_files_are_taken(files: ServerCertificate) -> None:
    assert tls_context(MqttSettings(tls=True, ca_file=files.ca_file, **given(files)), within_s=60)


def test_key_and_certificate_may_stand_in_one_file(files: ServerCertificate) -> None:
    both = files.cert_file.with_name("both.pem")
    both.write_bytes(files.key_file.read_bytes() + files.cert_file.read_bytes())
    assert tls_context(MqttSettings(tls=True, cert_file=both), within_s=60)


@pytest.mark.parametrize("name", ["ca_file", "cert_file", "key_file"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file or directory; correct the path"),
        ("folder", "Is a directory; correct the path"),
        (b"", "is empty|holds no"),
        (b"\x00\xff garbage", "holds no"),
        (b"hello\n", "holds no"),
    ],
)
def test_what_is_no_such_file_is_named(
    files: ServerCertificate, name: str, content: Any, told: str
) -> None:
    odd = files.ca_file.with_name("odd.pem")
    if content == "folder":
        odd.mkdir()
    elif content is not None:
        odd.write_bytes(content)
    problem = complaint(**given(files, **{name: odd}))
    assert problem.startswith(f"mqtt.{name}: {odd}: ")
    assert any(each in problem for each in told.split("|"))


def test_an_authority_in_der_is_answered_with_how_to_make_pem(files: ServerCertificate) -> None:
    der = files.ca_file.with_name("ca.der")
    convert = ["openssl", "x509", "-outform", "der", "-in", str(files.ca_file), "-out", str(der)]
    subprocess.run(convert, check=True)
    assert f"is in DER; make PEM of it (openssl x509 -inform der -in {der})" in complaint(
        ca_file=der
    )


def test_half_a_certificate_is_damaged(files: ServerCertificate) -> None:
    text = files.cert_file.read_text(encoding="utf-8")
    files.cert_file.write_text(text[: len(text) // 2] + text[-40:], encoding="utf-8")
    assert complaint(**given(files)).startswith(f"mqtt.cert_file: {files.cert_file} and ")
    assert "holds no certificate that is whole" in complaint(ca_file=files.cert_file)


def test_the_key_of_another_certificate_is_reported_as_that(
    files: ServerCertificate, tmp_path: Path
) -> None:
    other = make_certificate(tmp_path / "other", ["client"]).key_file
    told = f"mqtt.key_file: {other}: does not belong to the certificate {files.cert_file}; "
    assert complaint(**given(files, key_file=other)).startswith(told)


def test_an_encrypted_key_asks_nobody_on_the_terminal(files: ServerCertificate) -> None:
    key = load_pem_private_key(files.key_file.read_bytes(), None)
    locked = key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hunter2")
    )
    files.key_file.write_bytes(locked)
    told = f"mqtt.key_file: {files.key_file}: is encrypted; take its passphrase off: openssl pkey "
    assert complaint(**given(files)).startswith(told)


def test_a_certificate_that_has_ended_is_used_and_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=400)
    files = make_certificate(tmp_path, ["client"], now=long_ago)
    for _ in range(3):
        assert tls_context(MqttSettings(tls=True, **given(files)), within_s=60)
    ended = (long_ago + timedelta(days=30)).date()
    assert caplog.text.count(f"{files.cert_file}: this certificate ended on {ended}") == 1


@only_root
@pytest.mark.parametrize("name", ["ca_file", "cert_file", "key_file"])
def test_a_file_of_somebody_else_is_reported_with_owner_and_command(
    files: ServerCertificate, name: str
) -> None:
    let_in(files.ca_file)
    for each in (files.ca_file, files.cert_file):
        mode(each, 0o644)
    os.chown(files.key_file, 65534, 65534)
    file: Path = getattr(files, name)
    os.chown(file, 0, 0)
    mode(file, 0o600)
    with as_nobody():
        problem = complaint(ca_file=files.ca_file, **given(files))
    change = "chmod a+r" if name == "ca_file" else "chown nobody"
    assert problem == (
        f"mqtt.{name}: this user (nobody) may not read {file}, which belongs to root; "
        f"sudo {change} {file}"
    )


@only_root
def test_a_folder_that_may_not_be_entered_is_named(files: ServerCertificate) -> None:
    let_in(files.ca_file)
    folder = mode(files.ca_file.parent, 0o700)
    with as_nobody():
        problem = complaint(ca_file=files.ca_file)
    assert problem == (
        f"mqtt.ca_file: this user (nobody) may not enter {folder}, which belongs to root; "
        f"sudo chmod a+x {folder}"
    )
