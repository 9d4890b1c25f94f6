"""Authorities and certificates with one thing odd about each, for handshakes that look closely."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Shown:
    """What a server shows, and whom its clients are told to trust."""

    ca_file: Path
    chain_file: Path
    key_file: Path


def odd(
    folder: Path,
    *,
    critical: bool = False,
    name: str = "localhost",
    age_days: int = 1,
    between: bool = False,
    between_shown: bool = True,
) -> Shown:
    """A certificate for ``name`` that counts for 30 days, of an authority as company proxies have.

    Its basic constraints are ``critical`` or, as is common, not. With ``between`` another authority
    stands between the two, which is ``between_shown`` by the server or, by mistake, not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    begins = datetime.now(UTC) - age_days * DAY
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _signed("Root", root_key, "Root", root_key, ca=True, critical=critical)
    issuer, issuer_key, chain = "Root", root_key, []
    if between:
        issuer, issuer_key = "Between", ec.generate_private_key(ec.SECP256R1())
        middle = _signed("Between", issuer_key, "Root", root_key, ca=True, critical=critical)
        chain = [middle] if between_shown else []
    leaf = _signed(name, key, issuer, issuer_key, ca=False, critical=True, begins=begins)
    shown = Shown(folder / "ca.pem", folder / "chain.pem", folder / "key.pem")
    shown.ca_file.write_bytes(root.public_bytes(Encoding.PEM))
    pem = b"".join(each.public_bytes(Encoding.PEM) for each in (leaf, *chain))
    shown.chain_file.write_bytes(pem)
    shown.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return shown


def _signed(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
    critical: bool,
    begins: datetime | None = None,
) -> x509.Certificate:
    begins = begins or datetime.now(UTC) - DAY
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + 30 * DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=critical)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if not ca:
        names = x509.SubjectAlternativeName([x509.DNSName(subject)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
