"""The simulated Entra ID: discovery, device codes and tokens over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.fakes.microsoft.aadsts import refusal
from tests.fakes.microsoft.directory import App, Tenant
from tests.fakes.microsoft.grants import Grant
from tests.fakes.microsoft.scopes import permissions_in
from tests.fakes.microsoft.simulation import Simulation, TokenRequest

ALIASES = frozenset({"common", "organizations", "consumers"})
"""Stand in an address where a tenant would."""


class Identity:
    """The endpoints below ``/{tenant}``. Their refusals are worded by the door in front of them."""

    def __init__(self, simulation: Simulation, grants: Mapping[str, Grant]) -> None:
        self._simulation, self._grants = simulation, grants

    def routes(self) -> list[web.RouteDef]:
        """The endpoints, named."""
        return [
            web.get(
                "/{tenant}/v2.0/.well-known/openid-configuration", self.discover, name="discovery"
            ),
            web.post("/{tenant}/oauth2/v2.0/devicecode", self.device_code, name="devicecode"),
            web.post("/{tenant}/oauth2/v2.0/token", self.token, name="token"),
        ]

    async def discover(self, request: web.Request) -> web.Response:
        """OpenID discovery; a domain leads to addresses with the tenant's GUID."""
        name = request.match_info["tenant"]
        tenant_id = name.lower() if name.lower() in ALIASES else self._tenant(name).tenant_id
        return web.json_response(self._configuration(tenant_id))

    async def device_code(self, request: web.Request) -> web.Response:
        """A device code and the words for the person (RFC 8628, 3.2)."""
        form = await text_form(request)
        tenant, app = self.tenant_and_app(request, form)
        scope = form.get("scope", "")
        if not scope:
            raise refusal(90014, field="scope")
        permissions_in(scope, own_host=self._simulation.host)
        code = self._simulation.codes.issue(
            client_id=app.client_id, tenant_id=tenant.tenant_id, scope=scope
        )
        page = f"{self._simulation.address}/device"
        return web.json_response(
            {
                "user_code": code.user_code,
                "device_code": code.device_code,
                "verification_uri": page,
                "expires_in": self._simulation.codes.expires_in_s,
                "interval": code.interval_s,
                "message": f"To sign in, use a web browser to open the page {page} and enter the "
                f"code {code.user_code} to authenticate.",
            }
        )

    async def token(self, request: web.Request) -> web.Response:
        """Tokens for whatever grant the form holds."""
        form = await text_form(request)
        tenant, app = self.tenant_and_app(request, form)
        grant = self._grants.get(form.get("grant_type", ""))
        if grant is None:
            raise refusal(70003)
        answer = grant(self._simulation, TokenRequest(tenant, app, form))
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    def tenant_and_app(self, request: web.Request, form: dict[str, str]) -> tuple[Tenant, App]:
        """What the address and the client id of a request lead to."""
        tenant = self._tenant(request.match_info["tenant"])
        client_id = form.get("client_id", "")
        app = self._simulation.directory.app(client_id)
        if app is None or app.tenant_id != tenant.tenant_id:
            raise refusal(700016, client_id=client_id, tenant=tenant.domain)
        return tenant, app

    def _tenant(self, name: str) -> Tenant:
        if name.lower() in ALIASES:
            raise refusal(50059)
        tenant = self._simulation.directory.tenant(name)
        if tenant is None:
            raise refusal(90002, tenant=name)
        return tenant

    def _configuration(self, tenant_id: str) -> dict[str, Any]:
        root = f"{self._simulation.address}/{tenant_id}"
        issuer = "{tenantid}" if tenant_id in ALIASES else tenant_id
        return {
            "token_endpoint": f"{root}/oauth2/v2.0/token",
            "issuer": f"{self._simulation.address}/{issuer}/v2.0",
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
            "cloud_instance_name": self._simulation.host,
            "cloud_graph_host_name": self._simulation.host,
            "msgraph_host": self._simulation.host,
        }


async def text_form(request: web.Request) -> dict[str, str]:
    """The fields of a form that are text."""
    return {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
