"""Certificates with which an app signs itself in: made and read here.

From a PEM pair, one PEM file with both, or a PFX file; keys are RSA, since msal signs with PS256.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates
from cryptography.x509.oid import NameOID

from bridge.config.atomic_file import write_private, write_public
from bridge.config.tables.accounts import CertificateSettings
from bridge.config.unreadable_file import unreadable
from bridge.contract.errors import ConfigError, PersonMustActError

KEY_BITS, LEAST_KEY_BITS = 3072, 2048
NAME = "Presence Bridge"
CLOCK_SKEW = timedelta(minutes=5)
"""The certificate counts from a little earlier on, for machines whose clock is behind."""
_PEM = b"-----BEGIN "


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate and its key, as msal wants them: PEM, the key in clear."""

    private_key: str = field(repr=False)
    certificate: str
    thumbprint: str
    """SHA-256, hexadecimal."""
    expires: datetime
    file: Path = field(compare=False)
    """Where the certificate was read."""


@dataclass(frozen=True, slots=True)
class CreatedFiles:
    """What ``create`` wrote."""

    key_file: Path
    certificate_file: Path
    thumbprint: str
    """SHA-256, hexadecimal."""
    expires: datetime


def load(settings: CertificateSettings) -> ClientCertificate:
    """Read what ``settings`` name; ``ConfigError`` says what is wrong with a file."""
    file = settings.certificate_file
    assert file is not None
    content = _read("certificate_file", file)
    passphrase = None
    if settings.passphrase_file:
        passphrase = _read("passphrase_file", settings.passphrase_file).strip()
    if _PEM not in content:
        return _joined(*_from_pfx(file, content, passphrase), file)
    key_file = settings.private_key_file or file
    key = _key_from_pem(key_file, _read("private_key_file", key_file), passphrase)
    return _joined(key, _certificate_from_pem(file, content), file)


def create(folder: Path, *, days: int, now: datetime, name: str = "app") -> CreatedFiles:
    """Write a new key (mode 0600) and a self-signed certificate into ``folder``.

    Raises:
        PersonMustActError: One of the files exists already, or the disk refuses.
    """
    key_file, certificate_file = folder / f"{name}.key", folder / f"{name}.pem"
    for file in (key_file, certificate_file):
        if file.exists() or file.is_symlink():
            raise PersonMustActError(
                f"{file} exists already and is not overwritten.",
                remedy="Use it, or name another folder with --folder.",
            )
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    certificate = _self_signed(key, now, timedelta(days=days))
    try:
        write_private(key_file, _key_as_pem(key))
        write_public(certificate_file, certificate.public_bytes(Encoding.PEM).decode(), mode=0o644)
    except OSError as error:
        raise PersonMustActError(
            f"{error.filename or folder} cannot be written: {error.strerror}.",
            remedy="Name another folder with --folder.",
        ) from error
    return CreatedFiles(
        key_file, certificate_file, _thumbprint(certificate), certificate.not_valid_after_utc
    )


def _self_signed(key: rsa.RSAPrivateKey, now: datetime, lasts: timedelta) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + lasts)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _read(key: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError([f"microsoft.{key}: {unreadable(file, error)}"]) from error


def _from_pfx(
    file: Path, content: bytes, passphrase: bytes | None
) -> tuple[object, x509.Certificate | None]:
    try:
        key, certificate, _ = load_key_and_certificates(content, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unreadable(
            "certificate_file", file, "is no PEM and no PFX file, or passphrase_file is wrong"
        ) from error
    return key, certificate


def _key_from_pem(file: Path, content: bytes, passphrase: bytes | None) -> object:
    try:
        # our own file: msal checks the key again, for a sixth of a second, on a worker
        return load_pem_private_key(content, passphrase, unsafe_skip_rsa_key_validation=True)
    except TypeError as error:  # a passphrase is missing, or there is one too many
        why = "needs no passphrase_file" if passphrase else "is encrypted; it needs passphrase_file"
        raise _unreadable("private_key_file", file, why) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        why = "holds no private key in PEM, or passphrase_file is wrong"
        raise _unreadable("private_key_file", file, why) from error


def _certificate_from_pem(file: Path, content: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(content)
    except ValueError as error:
        raise _unreadable("certificate_file", file, "holds no certificate") from error


def _joined(key: object, certificate: x509.Certificate | None, file: Path) -> ClientCertificate:
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < LEAST_KEY_BITS:
        raise _unreadable(
            "certificate_file", file, f"needs an RSA key of {LEAST_KEY_BITS} bits or more"
        )
    if certificate is None or certificate.public_key() != key.public_key():
        raise _unreadable("certificate_file", file, "does not belong to the private key")
    return ClientCertificate(
        _key_as_pem(key),
        certificate.public_bytes(Encoding.PEM).decode(),
        _thumbprint(certificate),
        certificate.not_valid_after_utc.astimezone(UTC),
        file,
    )


def _key_as_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _thumbprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex().upper()


def _unreadable(key: str, file: Path, why: str) -> ConfigError:
    return ConfigError([f"microsoft.{key}: {file} {why}"])
