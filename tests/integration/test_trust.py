"""Whom TLS trusts by ``ca_file``: the same on each Python, the one of the image included."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.authority import Shown, odd

ROOT = Path(__file__).parents[2]
HANDSHAKE = ROOT / "tests" / "fakes" / "handshake.py"
CRITICAL = "Basic Constraints of CA cert not marked critical"


def image_python() -> str | None:
    """A Python of the version that the image has: on the path, of pyenv, or of uv."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    found = re.search(r"^FROM python:([\d.]+)\S* AS bridge$", dockerfile, re.MULTILINE)
    assert found
    version = found.group(1)
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}*/bin/python{version}"))
    found_by_uv = None
    if uv := shutil.which("uv"):
        asked = [uv, "python", "find", "--no-python-downloads", version]
        told = subprocess.run(asked, capture_output=True, text=True, check=False)
        found_by_uv = told.stdout.strip()
    for each in (*map(str, pyenv), shutil.which(f"python{version}"), found_by_uv):
        if (
            each
            and subprocess.run([each, "-c", ""], check=False, capture_output=True).returncode == 0
        ):
            return each
    return None


@pytest.fixture(params=["own", "image"], scope="module")
def python(request: pytest.FixtureRequest) -> str:
    if request.param == "own":
        return sys.executable
    python = image_python()
    if python is None:
        pytest.skip("the image's Python is not here (pyenv install, or uv python install)")
    return python


@pytest.fixture(params=["microsoft", "broker"])
def whose(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def shaken(
    python: str, whose: str, shown: Shown, *, name: str = "localhost", named: bool = True
) -> str:
    """How a handshake goes."""
    files = [shown.ca_file if named else "-", shown.chain_file, shown.key_file]
    asked = [python, "-I", HANDSHAKE, ROOT, whose, *files, name]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_well_made_authority_is_trusted(python: str, whose: str, tmp_path: Path) -> None:
    assert shaken(python, whose, odd(tmp_path, critical=True)) == "trusted"


def test_an_authority_as_company_proxies_have_it_is_trusted_once_it_is_named(
    python: str, whose: str, tmp_path: Path
) -> None:
    assert shaken(python, whose, odd(tmp_path)) == "trusted"
    assert shaken(python, whose, odd(tmp_path, between=True)) == "trusted"


def test_who_is_not_named_is_not_trusted(python: str, whose: str, tmp_path: Path) -> None:
    assert "unable to get local issuer" in shaken(python, whose, odd(tmp_path), named=False)


def test_chain_dates_and_name_are_checked_as_ever(python: str, whose: str, tmp_path: Path) -> None:
    old = odd(tmp_path / "old", age_days=31)
    assert shaken(python, whose, old) == "certificate has expired"
    young = odd(tmp_path / "young", age_days=-1)
    assert shaken(python, whose, young) == "certificate is not yet valid"
    good = odd(tmp_path / "good")
    if whose == "microsoft":  # a broker is checked against the name in the config
        told = shaken(python, whose, good, name="other.example")
        assert told.startswith("Hostname mismatch, certificate is not valid for 'other.example'")
    else:
        told = shaken(python, whose, odd(tmp_path / "elsewhere", name="other.example"))
        assert told.startswith("Hostname mismatch")
    broken = odd(tmp_path / "broken", between=True, between_shown=False)
    assert shaken(python, whose, broken) == "unable to get local issuer certificate"
    stranger = odd(tmp_path / "stranger")
    other = Shown(stranger.ca_file, good.chain_file, good.key_file)
    assert shaken(python, whose, other) != "trusted"


def test_only_a_file_that_a_person_named_for_us_changes_how_closely_is_looked(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = odd(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(shown.ca_file))
    look = "import ssl; print(ssl.VERIFY_X509_STRICT in ssl.create_default_context().verify_flags)"
    strict = subprocess.run([python, "-c", look], capture_output=True, text=True, check=True)
    told = shaken(python, "microsoft", shown, named=False)
    assert told == (CRITICAL if strict.stdout.strip() == "True" else "trusted")
