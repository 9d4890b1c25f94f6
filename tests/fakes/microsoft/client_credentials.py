"""The client credentials grant with a certificate (RFC 6749, 4.4; RFC 7523). Never reads HTTP."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.fakes.microsoft.aadsts import Refusal, refusal
from tests.fakes.microsoft.behaviour import Behaviour
from tests.fakes.microsoft.directory import App
from tests.fakes.microsoft.scopes import check_resource
from tests.fakes.microsoft.simulation import Simulation, TokenRequest
from tests.fakes.microsoft.token_answers import access_answer, required
from tests.fakes.microsoft.tokens import base64url

DEFAULT = ".default"
"""Stands for all application permissions of an app."""
SKEW_S = 300
"""How far the clock of a client may be off."""

_PADDINGS: dict[str, padding.AsymmetricPadding] = {
    "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH),
    "RS256": padding.PKCS1v15(),
}
_THUMBPRINTS: dict[str, hashes.HashAlgorithm] = {
    "x5t#S256": hashes.SHA256(),
    "x5t": hashes.SHA1(),
}


def by_client_credentials(
    behaviour: Behaviour, simulation: Simulation, request: TokenRequest
) -> dict[str, Any]:
    """A token for the app itself, with the roles that an admin granted.

    Raises:
        Refusal: The scope is not for apps, or the app cannot prove who it is.
    """
    form, app = request.form, request.app
    scope = required(form, "scope")
    if len(scope.split()) != 1 or not is_default(scope, own_host=simulation.host):
        raise refusal(1002012, scope=scope)
    if form.get("client_secret"):
        raise refusal(7000215)
    assertion = form.get("client_assertion")
    if not assertion:
        raise refusal(7000218)
    audience = f"{simulation.address}/{request.tenant.tenant_id}/oauth2/v2.0/token"
    claims = _signed_claims(assertion, app)
    _check_claims(claims, audience, app)
    if behaviour.checks_assertion_times:
        _check_times(claims, simulation.clock.now().timestamp())
    return access_answer(simulation, request, scope, oid=None, roles=frozenset(app.roles))


def _signed_claims(assertion: str, app: App) -> dict[str, Any]:
    """What a JSON Web Token says, when a registered certificate signed it."""
    try:
        signed, _, signature = assertion.rpartition(".")
        header, claims = (json.loads(from_base64url(part)) for part in signed.split("."))
        scheme = _PADDINGS[header["alg"]]
        key = _registered_key(header, app)
        key.verify(from_base64url(signature), signed.encode(), scheme, hashes.SHA256())
    except InvalidSignature:
        raise _not_accepted("The provided signature value did not match.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _not_accepted("The assertion cannot be read.") from None
    return dict(claims)


def _registered_key(header: dict[str, Any], app: App) -> RSAPublicKey:
    for pem in app.certificates:
        certificate = x509.load_pem_x509_certificate(pem)
        for field, algorithm in _THUMBPRINTS.items():
            # msal pads what RFC 7515 wants without padding, and Entra takes both
            if header.get(field, "").rstrip("=") == base64url(certificate.fingerprint(algorithm)):
                key = certificate.public_key()
                if not isinstance(key, RSAPublicKey):
                    raise _not_accepted("The key is no RSA key.")
                return key
    raise _not_accepted("The key was not found by its thumbprint.")


def _check_claims(claims: dict[str, Any], audience: str, app: App) -> None:
    if claims.get("aud") != audience:
        raise _not_accepted("The audience is not the token endpoint.")
    if not claims.get("iss") == claims.get("sub") == app.client_id:
        raise _not_accepted("Issuer and subject are not the client id.")


def _check_times(claims: dict[str, Any], now: float) -> None:
    try:
        begin, end = float(claims.get("nbf", claims.get("iat", now))), float(claims["exp"])
        good = begin - SKEW_S <= now < end + SKEW_S
    except (KeyError, TypeError, ValueError):
        good = False
    if not good:
        raise refusal(700024)


def is_default(scope: str, *, own_host: str) -> bool:
    """Whether ``scope`` asks for all application permissions on Graph.

    Raises:
        Refusal: It asks for them on another resource.
    """
    resource, _, name = scope.rpartition("/")
    if resource:
        check_resource(resource, own_host)
    return bool(resource) and name == DEFAULT


def from_base64url(text: str) -> bytes:
    """The bytes of ``base64url``.

    Raises:
        ValueError: It is none.
    """
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _not_accepted(reason: str) -> Refusal:
    return refusal(700027, reason=reason)
