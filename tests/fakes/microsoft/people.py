"""People and groups in Graph, as far as anybody who follows presence asks. Never presence."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from tests.fakes.microsoft.directory import Group, Person
from tests.fakes.microsoft.gate import Gate
from tests.fakes.microsoft.graph_errors import GraphError
from tests.fakes.microsoft.presences import context
from tests.fakes.microsoft.simulation import Simulation
from tests.fakes.microsoft.tokens import AccessToken

READ_ME = ("User.Read", "User.ReadBasic.All", "User.Read.All")
READ_USERS = ("User.ReadBasic.All", "User.Read.All")
READ_MEMBERS = ("GroupMember.Read.All",)

PAGE, LARGEST_PAGE = 100, 999
"""Members in one answer, unless ``$top`` asks for others (Graph docs, group-list-members)."""
NOT_FOUND = "Request_ResourceNotFound"
USERS_ONLY = "microsoft.graph.user"


class People:
    """The endpoints about users and members of groups."""

    def __init__(self, simulation: Simulation, gate: Gate) -> None:
        self._simulation, self._gate = simulation, gate

    def routes(self) -> list[web.RouteDef]:
        """The endpoints, named."""
        members = "/v1.0/groups/{id}/{how:members|transitiveMembers}"
        return [
            web.get("/v1.0/me", self.me, name="me"),
            web.get("/v1.0/users/{id}", self.user, name="user"),
            web.get(members, self.members, name="group.members"),
            web.get(f"{members}/{{kind}}", self.members, name="group.members.cast"),
        ]

    async def me(self, request: web.Request) -> web.Response:
        """Who is signed in.

        Raises:
            GraphError: The token does not allow it.
        """
        return self._user(request, self._gate.pass_person(request, READ_ME))

    async def user(self, request: web.Request) -> web.Response:
        """Anybody, by GUID or user principal name.

        Raises:
            GraphError: The token does not allow it, or there is no such person.
        """
        token, name = self._gate.pass_token(request), request.match_info["id"]
        person = self._simulation.directory.person(name)
        own = person is not None and person.oid == token.oid
        self._gate.need(token, READ_ME if own else READ_USERS)
        if person is None or person.tenant_id != token.tenant_id:
            raise _not_found(name)
        return self._user(request, person)

    async def members(self, request: web.Request) -> web.Response:
        """The members of a group, page by page; transitive ones include those of groups within.

        Raises:
            GraphError: The token does not allow it, there is no such group, or wrong paging.
        """
        token = self._gate.pass_token(request)
        self._gate.need(token, READ_MEMBERS)
        group = self._group(token, request.match_info["id"])
        deep = request.match_info["how"] == "transitiveMembers"
        found = list(_transitive(group)) if deep else group.members
        if request.match_info.get("kind") == USERS_ONLY:
            found = [member for member in found if isinstance(member, Person)]
        begin, size = _number(request, "$skiptoken", 0), _number(request, "$top", PAGE)
        if not 0 < size <= LARGEST_PAGE:
            raise GraphError(400, f"Invalid page size specified: '{size}'.")
        body = context(self._simulation.address, "directoryObjects")
        if begin + size < len(found):
            query = dict(request.query) | {"$skiptoken": str(begin + size)}
            path = f"{self._simulation.address}{request.path}"
            body["@odata.nextLink"] = f"{path}?{urlencode(query)}"
        body["value"] = [_member(request, member) for member in found[begin : begin + size]]
        return web.json_response(body)

    def _user(self, request: web.Request, person: Person) -> web.Response:
        body = context(self._simulation.address, "users/$entity")
        return web.json_response(body | _selected(request, _profile(person)))

    def _group(self, token: AccessToken, group_id: str) -> Group:
        group = self._simulation.directory.group(group_id)
        if group is None or group.tenant_id != token.tenant_id:
            raise _not_found(group_id)
        return group


def _not_found(name: str) -> GraphError:
    text = f"Resource '{name}' does not exist or one of its queried reference-property objects are"
    return GraphError(404, f"{text} not present.", code=NOT_FOUND)


def _profile(person: Person) -> dict[str, Any]:
    return {
        "id": person.oid,
        "displayName": person.name,
        "userPrincipalName": person.upn,
        "mail": person.upn,
    }


def _member(request: web.Request, member: Person | Group) -> dict[str, Any]:
    if isinstance(member, Person):
        return {"@odata.type": "#microsoft.graph.user"} | _selected(request, _profile(member))
    named = {"id": member.group_id, "displayName": member.name}
    return {"@odata.type": "#microsoft.graph.group"} | _selected(request, named)


def _selected(request: web.Request, resource: dict[str, Any]) -> dict[str, Any]:
    """The properties that ``$select`` names; all without it."""
    if not (wanted := request.query.get("$select")):
        return resource
    names = {name.strip() for name in wanted.split(",")}
    return {key: value for key, value in resource.items() if key in names}


def _transitive(group: Group) -> list[Person | Group]:
    """Everything within ``group`` once, however deep, also where groups hold one another."""
    found: dict[int, Person | Group] = {}
    open_groups = [group]
    while open_groups:
        for member in open_groups.pop(0).members:
            if id(member) in found or member is group:
                continue
            found[id(member)] = member
            if isinstance(member, Group):
                open_groups.append(member)
    return list(found.values())


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise GraphError(400, f"Invalid value '{text}' for {name}.")
    return int(text)
