"""The tenants, apps, people and groups of the simulated Microsoft."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from bridge.contract.clock import Clock
from tests.fakes.microsoft.presence import Facts, State, StatusMessage, graph_presence

Wording = Callable[[Facts, dict[str, Any]], dict[str, Any]]
"""How a cloud words the presence resource."""


def guid(text: str) -> str:
    """The same GUID for the same text, so that a config stays right over restarts."""
    return str(uuid5(NAMESPACE_URL, f"presence-bridge-demo:{text}"))


@dataclass
class Tenant:
    """An organisation. Its policies may change while clients are signed in."""

    tenant_id: str
    domain: str
    device_code_blocked: bool = False
    """A policy against the device code flow: it also ends sign-ins that began with one."""


@dataclass
class App:
    """An app registration."""

    client_id: str
    tenant_id: str
    name: str = "Presence Bridge"
    public_client: bool = True
    """"Allow public client flows" in the portal."""
    consented: set[str] | None = None
    """Delegated permissions that were consented to; ``None``: people consent as they go."""
    roles: set[str] = field(default_factory=set)
    """Application permissions that an admin granted."""
    certificates: list[bytes] = field(default_factory=list)
    """Uploaded certificates, PEM."""
    redirect_uris: list[str] = field(default_factory=lambda: ["http://localhost"])


@dataclass
class Person:
    """Somebody with a Teams presence."""

    oid: str
    upn: str
    name: str
    tenant_id: str
    facts: Facts = field(default_factory=Facts)
    sequence: int = 0
    refused_with: int | None = None
    """An AADSTS number that every token request for this person is answered with."""

    @property
    def sequence_number(self) -> str:
        """Grows with each change, as text too."""
        return f"A{self.sequence:010d}"


@dataclass
class Group:
    """A group; members in the order they joined."""

    group_id: str
    name: str
    tenant_id: str
    members: list[Person | Group] = field(default_factory=list)


class Directory:
    """Everything that exists, and the ways to change it."""

    def __init__(self, clock: Clock) -> None:
        self.wording: Wording = lambda _, resource: resource
        self._clock = clock
        self._sequence = 0
        self._tenants: dict[str, Tenant] = {}
        self._apps: dict[str, App] = {}
        self._people: dict[str, Person] = {}
        self._groups: dict[str, Group] = {}

    @property
    def version(self) -> int:
        """Grows whenever anybody changes."""
        return self._sequence

    @property
    def people(self) -> list[Person]:
        """Everybody once, in the order of arrival."""
        return list({person.oid: person for person in self._people.values()}.values())

    def add_tenant(self, domain: str, *, tenant_id: str | None = None) -> Tenant:
        """A new organisation that is found by its domain and by its GUID."""
        tenant = Tenant(tenant_id or guid(domain), domain)
        self._tenants[domain.lower()] = self._tenants[tenant.tenant_id] = tenant
        return tenant

    def add_app(
        self, tenant: Tenant, *, client_id: str | None = None, public_client: bool = True
    ) -> App:
        """A new app registration."""
        client_id = client_id or guid(f"app of {tenant.domain}")
        app = self._apps[client_id] = App(client_id, tenant.tenant_id, public_client=public_client)
        return app

    def add_person(
        self, tenant: Tenant, upn: str, *, name: str | None = None, oid: str | None = None
    ) -> Person:
        """Somebody new, available; found by GUID and by user principal name."""
        name = name or upn.partition("@")[0].replace(".", " ").title()
        person = Person(oid or guid(upn), upn, name, tenant.tenant_id)
        self._people[person.oid] = self._people[upn.lower()] = person
        self._touch(person)
        return person

    def add_group(self, tenant: Tenant, name: str, members: Iterable[Person | Group] = ()) -> Group:
        """A new group."""
        group = Group(guid(f"group {name}"), name, tenant.tenant_id, list(members))
        self._groups[group.group_id] = group
        return group

    def remove_person(self, person: Person) -> None:
        """Somebody leaves: unknown from now on, and in no group."""
        self._people.pop(person.oid, None)
        self._people.pop(person.upn.lower(), None)
        for group in self._groups.values():
            group.members = [member for member in group.members if member is not person]

    def tenant(self, name: str) -> Tenant | None:
        """The tenant with this domain or GUID."""
        return self._tenants.get(name.lower())

    def app(self, client_id: str) -> App | None:
        """The app registration with this client id."""
        return self._apps.get(client_id.lower())

    def person(self, who: str) -> Person | None:
        """The person with this GUID or user principal name."""
        return self._people.get(who.lower())

    def person_by_oid(self, oid: str) -> Person | None:
        """The person with this GUID; a user principal name finds nobody."""
        return None if "@" in oid else self.person(oid)

    def group(self, group_id: str) -> Group | None:
        """The group with this GUID."""
        return self._groups.get(group_id.lower())

    def facts_of(self, person: Person) -> Facts:
        """The presence now; what has expired is gone, and that counts as a change."""
        facts = person.facts.at(self._clock.now())
        if facts != person.facts:
            self.put(person, facts)
        return facts

    def presence_resource(self, person: Person, *, own: bool) -> dict[str, Any]:
        """A person's presence as Graph words it now."""
        facts = self.facts_of(person)
        number = person.sequence_number
        resource = graph_presence(person.oid, facts, sequence_number=number, own=own)
        return self.wording(facts, resource)

    def change(
        self,
        person: Person,
        availability: str | None = None,
        activity: str | None = None,
        *,
        status_message: str | None = None,
        out_of_office: bool | None = None,
        out_of_office_message: str | None = None,
        work_location: str | None = None,
    ) -> None:
        """Change what is given; an empty text clears. An activity not given is the availability.

        A new place to work is the calendar's; it takes the place of what was set by hand.
        """
        facts = person.facts
        if availability is not None or activity is not None:
            availability = facts.session.availability if availability is None else availability
            activity = availability if activity is None else activity
            facts = replace(facts, session=State(availability, activity))
        if status_message is not None:
            status = StatusMessage(status_message, self._clock.now()) if status_message else None
            facts = replace(facts, status=status)
        if out_of_office is not None:
            facts = replace(facts, out_of_office=out_of_office)
        if out_of_office_message is not None:
            facts = replace(facts, out_of_office_message=out_of_office_message or None)
        if work_location is not None:
            facts = replace(facts, work_location=work_location or None, manual_location=None)
        self.put(person, facts)

    def put(self, person: Person, facts: Facts) -> None:
        """Replace all of a person's presence."""
        person.facts = facts
        self._touch(person)

    def _touch(self, person: Person) -> None:
        self._sequence += 1
        person.sequence = self._sequence


@dataclass(frozen=True)
class Household:
    """A directory with one tenant, one app and one person: what most uses need."""

    directory: Directory
    tenant: Tenant
    app: App
    person: Person


def household(
    clock: Clock,
    *,
    domain: str = "contoso.com",
    upn: str = "alice@contoso.com",
    client_id: str | None = None,
) -> Household:
    """A new household."""
    directory = Directory(clock)
    tenant = directory.add_tenant(domain)
    app = directory.add_app(tenant, client_id=client_id)
    return Household(directory, tenant, app, directory.add_person(tenant, upn))
