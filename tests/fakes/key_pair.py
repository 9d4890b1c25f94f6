"""A key and a self-signed certificate, as an admin would upload it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bridge.microsoft.sign_in.certificate import CreatedFiles
from tests.fakes.microsoft.tokens import base64url


class KeyPair:
    """With the shortest key that is taken: msal proves it prime whenever it reads it."""

    def __init__(self, *, days: int = 1) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bridge")])
        now = datetime.now(UTC)
        self.expires = now + timedelta(days=days)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(self.expires)
            .sign(key, hashes.SHA256())
        )
        self.private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.public = certificate.public_bytes(Encoding.PEM)
        self.thumbprint = certificate.fingerprint(hashes.SHA256())
        self.sha256 = base64url(self.thumbprint)
        self.sha1 = certificate.fingerprint(hashes.SHA1()).hex()

    def write(self, folder: Path) -> CreatedFiles:
        """What the command for it would have written into ``folder``."""
        folder.mkdir(exist_ok=True)
        key_file, certificate_file = folder / "app.key", folder / "app.pem"
        key_file.write_text(self.private, encoding="ascii")
        key_file.chmod(0o600)
        certificate_file.write_bytes(self.public)
        thumbprint = self.thumbprint.hex().upper()
        return CreatedFiles(key_file, certificate_file, thumbprint, self.expires)
