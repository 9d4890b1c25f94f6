from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from bridge.demo.certificate import make_certificate


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> None:
    """Shake hands in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname=host),
    ]
    for _ in range(10):
        for side in list(sides):
            try:
                side.do_handshake()
                sides.remove(side)
            except ssl.SSLWantReadError:
                continue
    assert not sides


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_client_that_trusts_the_authority_accepts_every_local_name(
    tmp_path: Path, host: str
) -> None:
    files = make_certificate(tmp_path)
    client = ssl.create_default_context(cafile=str(files.ca_file))
    client.verify_flags |= ssl.VERIFY_X509_STRICT

    handshake(files.server_context(), client, host)


def test_a_client_with_other_authorities_refuses(tmp_path: Path) -> None:
    files, others = make_certificate(tmp_path / "one"), make_certificate(tmp_path / "other")
    client = ssl.create_default_context(cafile=str(others.ca_file))

    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(files.server_context(), client, "localhost")


def test_a_name_that_was_not_asked_for_is_refused(tmp_path: Path) -> None:
    files = make_certificate(tmp_path, ["microsoft.test"])
    client = ssl.create_default_context(cafile=str(files.ca_file))

    handshake(files.server_context(), client, "microsoft.test")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(files.server_context(), client, "localhost")


def test_the_key_is_for_its_owner_only_even_where_a_loose_one_lay(tmp_path: Path) -> None:
    loose = tmp_path / "server.key"
    loose.write_text("old")
    loose.chmod(0o644)

    files = make_certificate(tmp_path)

    assert files.key_file.stat().st_mode & 0o777 == 0o600


def test_the_certificate_is_good_for_a_machine_whose_clock_is_a_little_late(
    tmp_path: Path,
) -> None:
    now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    files = make_certificate(tmp_path, now=now)

    certificate = x509.load_pem_x509_certificate(files.cert_file.read_bytes())

    assert certificate.not_valid_before_utc <= now - timedelta(hours=12)
    assert certificate.not_valid_after_utc >= now + timedelta(days=7)
