"""From a fault to its remedy, and from a remedy to the commands that are meant in it. Pure."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from paho.mqtt.client import topic_matches_sub

from bridge.broker import SubscriptionRefusedError
from bridge.config.authorities import WRONG_DATES
from bridge.config.tables.config import Config
from bridge.contract.errors import ConfigError, PersonMustActError, PresenceBridgeError
from bridge.contract.topics import Topics
from bridge.microsoft.http import Fault, HttpError
from bridge.microsoft.sign_in.remedies import YOU, for_account
from bridge.setup.rules import of_the_bridge

SET_THE_CLOCK = (
    "Set the time of this machine: timedatectl set-ntp true (a container has its host's)."
)
SIGN_IN = re.compile(r"(sign in(?: again)?)", re.IGNORECASE)
BROKER_REMEDIES: dict[type[BaseException], str] = {
    socket.gaierror: "That name leads nowhere: correct host in [mqtt], or give an IP address.",
    ssl.SSLCertVerificationError: "Set ca_file in [mqtt] to the authority of the broker's "
    "certificate, and server_name to the name in it if that is not host.",
    FileNotFoundError: "Correct the path in [mqtt].",
    ConfigError: "The service sees by itself when that is done.",
    SubscriptionRefusedError: "Where init made the broker's rules: presence-bridge init again sets "
    "them; then restart the broker. Else compare them with mosquitto/acl.",
    ConnectionRefusedError: "Start the broker, or correct host and port in [mqtt]; in a container, "
    "localhost is the container itself.",
    PersonMustActError: "If init made the broker's users: presence-bridge init again adds those "
    "that are missing; then restart the broker.",
    PresenceBridgeError: "Correct host, port and tls in [mqtt] (often 1883, with tls 8883), or let "
    "it through the firewall.",
}
"""What to do about an error of this class, or one that such an error led to; the first counts."""
ANOTHER = (
    "What answered is not Microsoft, or it is in trouble: sign in to the hotspot or proxy in "
    "between, or try again later."
)
_PROXY = "Correct proxy in [network], or HTTPS_PROXY."
MICROSOFT_REMEDIES = {
    Fault.NO_PROXY: _PROXY,
    Fault.PROXY_REFUSES: _PROXY,
    Fault.PROXY_ADDRESS: _PROXY,
    Fault.UNTRUSTED: "Ask who runs your network for the certificate of its proxy's "
    "authority, and set ca_file in [network] to that file.",
    Fault.NOT_BY_FILE: "Ask who runs your network which certificate its proxy shows, and put the "
    "certificate of its authority into that file.",
    Fault.OTHER_NAME: ANOTHER,
    Fault.NOT_NOW: SET_THE_CLOCK,
    Fault.NO_NAME_SERVER: "Check the network and the DNS server of this machine.",
    Fault.NO_NAME: "That name leads nowhere: is this machine online, and its DNS right?",
    Fault.ELSEWHERE: ANOTHER,
    Fault.ENDLESS: ANOTHER,
    Fault.STRANGER: ANOTHER,
}
CONNECTION = (
    "Check that this machine is online, that HTTPS passes the firewall, and proxy in [network]."
)


def broker_remedy(error: PresenceBridgeError) -> str:
    """What to do about a broker that does not take us."""
    causes = list(_causes(error))
    if any(getattr(cause, "verify_code", None) in WRONG_DATES for cause in causes):
        return SET_THE_CLOCK
    fitting = (kind for kind in BROKER_REMEDIES if any(isinstance(cause, kind) for cause in causes))
    return BROKER_REMEDIES[next(fitting)]


def rules_remedy(problem: str, topics: Topics) -> str:
    """The line that the broker's rules lack, for a ``problem`` that names a topic."""
    for line in filter(None, (rule_for(topics, word) for word in problem.split())):
        return f"Its rules for that user need: {line}. {BROKER_REMEDIES[SubscriptionRefusedError]}"
    return ""


def rule_for(topics: Topics, topic: str) -> str:
    """The line of the broker's rules by which the bridge may use ``topic``, if there is one."""
    lines = of_the_bridge(topics)
    return next((line for line in lines if topic_matches_sub(line.split()[-1], topic)), "")


def microsoft_remedy(error: PresenceBridgeError) -> str:
    """What to do when Microsoft cannot be asked; what answered itself led to no error."""
    cause = error.__cause__
    fault = cause.fault if isinstance(cause, HttpError) else Fault.STRANGER
    return MICROSOFT_REMEDIES.get(fault, CONNECTION)


def _causes(error: BaseException) -> Iterator[BaseException]:
    before: BaseException | None = error
    while before:
        yield before
        before = before.__cause__ or before.__context__


def with_commands(remedy: str, config: Config, slug: str) -> str:
    """The remedy, with the commands and the file that are meant in it."""
    login = f"presence-bridge login {slug}"
    remedy = for_account(remedy, slug)
    if config.accounts[slug].sign_in == "app":
        file = config.microsoft_of(slug).certificate_file or Path("app.pem")
        remedy = remedy.replace("the certificate", str(file), 1).replace(
            "certificate create", f"certificate create --folder {file.parent / 'new'}"
        )
    elif remedy == "Sign in.":
        return login
    elif login not in remedy:
        remedy = SIGN_IN.sub(rf"\1 ({login})", remedy, count=1)
    if "consent" in remedy:
        remedy += f" Where an admin consents: presence-bridge consent-url {slug}."
    return remedy


def who_must_act(who: str | None, correlation_id: str | None) -> str:
    """Who must act, when that is somebody else."""
    reference = f" Correlation id: {correlation_id}" if correlation_id else ""
    return f"Who must act: {who}.{reference}" if who and who != YOU else ""
