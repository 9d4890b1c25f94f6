from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from bridge.config.tables.accounts import CertificateSettings
from bridge.contract.errors import ConfigError, PersonMustActError
from bridge.microsoft.sign_in.certificate import ClientCertificate, CreatedFiles, create, load

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECRET = b"open sesame"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> CreatedFiles:
    return create(Path(tmp_path_factory.mktemp("made")) / "secrets", days=730, now=NOW)


@pytest.fixture(scope="module")
def key(made: CreatedFiles) -> rsa.RSAPrivateKey:
    loaded = load_pem_private_key(made.key_file.read_bytes(), None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_bytes(SECRET + b"\n")
    return file


def loaded(certificate: Path, key: Path | None = None, word: Path | None = None) -> object:
    settings = CertificateSettings(
        certificate_file=certificate, private_key_file=key, passphrase_file=word
    )
    return load(settings)


def complaint(certificate: Path, key: Path | None = None, word: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(certificate, key, word)
    (problem,) = caught.value.problems
    return problem


def test_a_made_pair_is_strong_private_and_its_own(made: CreatedFiles) -> None:
    certificate = x509.load_pem_x509_certificate(made.certificate_file.read_bytes())
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 3072
    assert made.key_file.stat().st_mode & 0o777 == 0o600
    assert made.key_file.parent.stat().st_mode & 0o777 == 0o700
    assert certificate.issuer == certificate.subject
    assert made.expires == NOW + timedelta(days=730)
    assert made.thumbprint == certificate.fingerprint(hashes.SHA256()).hex().upper()


@pytest.mark.parametrize("there", ["app.key", "app.pem"])
def test_nothing_is_ever_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine", encoding="utf-8")
    with pytest.raises(PersonMustActError, match="is not overwritten"):
        create(tmp_path, days=1, now=NOW)
    assert [file.name for file in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text(encoding="utf-8") == "mine"


def test_a_link_to_nothing_is_not_overwritten_either(tmp_path: Path) -> None:
    (tmp_path / "app.key").symlink_to("elsewhere")
    with pytest.raises(PersonMustActError, match="is not overwritten"):
        create(tmp_path, days=1, now=NOW)
    assert (tmp_path / "app.key").is_symlink()


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PersonMustActError, match="cannot be written"):
        create(tmp_path / "file" / "secrets", days=1, now=NOW)


def test_a_pair_one_file_with_both_and_a_pfx_are_the_same(
    made: CreatedFiles, key: rsa.RSAPrivateKey, tmp_path: Path, passphrase_file: Path
) -> None:
    certificate = x509.load_pem_x509_certificate(made.certificate_file.read_bytes())
    both, pfx, locked = (tmp_path / name for name in ("both.pem", "app.pfx", "locked.key"))
    both.write_bytes(made.certificate_file.read_bytes() + made.key_file.read_bytes())
    encryption = BestAvailableEncryption(SECRET)
    pfx.write_bytes(serialize_key_and_certificates(b"app", key, certificate, None, encryption))
    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    pair = loaded(made.certificate_file, made.key_file)
    assert isinstance(pair, ClientCertificate)
    assert "PRIVATE" not in repr(pair)
    assert pair.thumbprint == made.thumbprint
    assert loaded(both) == pair
    assert loaded(pfx, word=passphrase_file) == pair
    assert loaded(made.certificate_file, locked, passphrase_file) == pair
    assert "passphrase_file is wrong" in complaint(pfx)
    assert "it needs passphrase_file" in complaint(made.certificate_file, locked)


def test_what_cannot_be_used_is_named_with_its_key(
    made: CreatedFiles, tmp_path: Path, passphrase_file: Path
) -> None:
    other_key, short, curved = (tmp_path / name for name in ("other.key", "short.key", "ec.key"))
    for file, other in (
        (other_key, rsa.generate_private_key(65537, 2048)),
        (short, rsa.generate_private_key(65537, 1024)),
        (curved, ec.generate_private_key(ec.SECP256R1())),
    ):
        text = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(text)
    pem = made.certificate_file
    assert complaint(tmp_path / "gone.pem").endswith("gone.pem: No such file or directory")
    assert complaint(pem, tmp_path / "gone.key").startswith("microsoft.private_key_file: ")
    assert complaint(pem, made.key_file, tmp_path / "x").startswith("microsoft.passphrase_file")
    assert "holds no private key" in complaint(pem)
    assert "holds no certificate" in complaint(made.key_file, made.key_file)
    assert "needs no passphrase_file" in complaint(pem, made.key_file, passphrase_file)
    assert "does not belong to the private key" in complaint(pem, other_key)
    assert "RSA key of 2048 bits" in complaint(pem, short)
    assert "RSA key of 2048 bits" in complaint(pem, curved)
    assert "no PEM and no PFX" in complaint(passphrase_file)
