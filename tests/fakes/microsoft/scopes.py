"""How clients spell permissions, and which there are."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.fakes.microsoft.aadsts import refusal

OPENID = frozenset({"openid", "profile", "email", "offline_access"})
"""Asked for like permissions, but about the sign-in itself."""

PERMISSIONS = frozenset(
    {
        "GroupMember.Read.All",
        "Presence.Read",
        "Presence.Read.All",
        "Presence.ReadWrite",
        "Presence.ReadWrite.All",
        "User.Read",
        "User.Read.All",
        "User.ReadBasic.All",
    }
)
GRAPH_HOSTS = frozenset({"graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us"})


def permissions_in(scope: str, *, own_host: str) -> frozenset[str]:
    """The permissions in ``scope`` by their short names, without those about the sign-in.

    Raises ``Refusal`` where one is unknown, or is of another resource than Graph.
    """
    names = (_short(word, own_host) for word in scope.split() if word not in OPENID)
    return frozenset(names)


def echoed(scope: str) -> str:
    """What the answer says was granted: each in the spelling that was asked for.

    ``offline_access`` shows in the refresh token only.
    """
    return " ".join(word for word in scope.split() if word != "offline_access")


def _short(word: str, own_host: str) -> str:
    resource, _, name = word.rpartition("/")
    if resource:
        check_resource(resource, own_host)
    known = {permission.lower(): permission for permission in PERMISSIONS}
    if name.lower() not in known:
        raise refusal(70011, scope=word)
    return known[name.lower()]


def check_resource(resource: str, own_host: str) -> None:
    """Refuse what is not Graph."""
    if urlsplit(resource).netloc not in GRAPH_HOSTS | {own_host}:
        raise refusal(500011, resource=resource)
