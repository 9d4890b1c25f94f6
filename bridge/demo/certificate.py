"""A throw-away authority and a server certificate for this machine.

Clients are pointed at the authority's file, as they would be at a company's own authority.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bridge.config.atomic_file import write_private

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
VALID = timedelta(days=30)
CLOCK_SKEW = timedelta(days=1)
"""Machines without a battery clock may live a little in the past."""


@dataclass(frozen=True)
class ServerCertificate:
    """Where the authority, the certificate and its key lie."""

    ca_file: Path
    cert_file: Path
    key_file: Path

    def server_context(self) -> ssl.SSLContext:
        """For a server that shows this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert_file, self.key_file)
        return context


def make_certificate(
    folder: Path, names: Sequence[str] = LOCAL_NAMES, *, now: datetime | None = None
) -> ServerCertificate:
    """Write a new authority and a certificate for ``names`` (hosts and addresses) into ``folder``.

    The keys are elliptic, so this takes milliseconds. The authority's own key is not kept. ``now``
    is the machine's time by default: TLS libraries compare with nothing else.
    """
    begins = (now or datetime.now(UTC)) - CLOCK_SKEW
    ca_key, key = new_key(), new_key()
    name = "Presence Bridge demo authority"
    ca = signed(name, ca_key, by=(name, ca_key), begins=begins, is_authority=True)
    subject, by = "Simulated Microsoft", (name, ca_key)
    certificate = signed(subject, key, by=by, begins=begins, names=names)
    files = ServerCertificate(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files.ca_file.write_bytes(pem(ca))
    files.cert_file.write_bytes(pem(certificate))
    write_private(files.key_file, key_pem(key))
    return files


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key that is made in milliseconds."""
    return ec.generate_private_key(ec.SECP256R1())


def signed(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    by: tuple[str, ec.EllipticCurvePrivateKey],
    begins: datetime,
    names: Sequence[str] = (),
    is_authority: bool = False,
    critical: bool = True,
) -> x509.Certificate:
    """A certificate ``by`` the authority of that name and key, good for ``VALID``.

    Basic constraints are ``critical``, as RFC 5280, 4.2.1.9 wants them, or as many have them.
    """
    issuer, issuer_key = by
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + CLOCK_SKEW + VALID)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=critical)
        .add_extension(_key_usage(signs_certificates=is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if names:
        alternatives = x509.SubjectAlternativeName(list(map(_alternative, names)))
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(alternatives, critical=False)
        builder = builder.add_extension(purpose, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def pem(*certificates: x509.Certificate) -> bytes:
    """As files of certificates have them."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """``key`` without a passphrase."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    signs, none = signs_certificates, ("content_commitment", "key_encipherment", "key_agreement")
    others = dict.fromkeys((*none, "data_encipherment", "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, **others)
