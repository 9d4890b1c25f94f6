"""Digest authentication, by the example of RFC 7616, 3.9.1."""

from __future__ import annotations

import pytest

from drivers.network.http_digest import Login, authorization

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
ASKED = (
    f'realm="http-auth@example.org", qop="auth, auth-int", nonce="{NONCE}", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
LOGIN = Login("Mufasa", "Circle of Life")


def answer(*asked: str) -> str | None:
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    return authorization(asked, LOGIN, method="GET", target="/dir/index.html", cnonce=cnonce)


def test_the_answer_is_that_of_the_rfc_and_sha_256_is_found_among_others() -> None:
    said = answer(
        "Basic realm=x", f"Digest {ASKED}, algorithm=MD5", f"Digest {ASKED}, algorithm=SHA-256"
    )
    assert said is not None
    assert 'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"' in said
    assert 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' in said
    assert LOGIN.password not in said


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "Digest",
        "Basic realm=x",
        f"Digest {ASKED}, algorithm=MD5",
        f"Digest {ASKED}",
        'Digest realm="x", nonce="y", qop="auth-int", algorithm=SHA-256',
        'Digest realm="x", qop="auth", algorithm=SHA-256',
    ],
)
def test_what_cannot_be_answered_is_not(asked: str) -> None:
    assert answer(asked) is None
