"""The shortest script that does the same for one person: msal, requests, paho, every five seconds.

Only a yardstick for start and memory: no page, no discovery, no second attempt. The settings of
the bench come as JSON in the first argument.
"""

import json
import sys
import time
from pathlib import Path

import msal
import paho.mqtt.client as mqtt
import requests
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    """Sign in with the cached token, then read and publish for ever."""
    settings = json.loads(sys.argv[1])
    session = requests.Session()
    session.verify, session.trust_env = settings["ca_file"], False
    cache, file = msal.SerializableTokenCache(), Path(settings["cache"])
    if file.exists():
        cache.deserialize(file.read_text(encoding="utf-8"))
    app = msal.PublicClientApplication(
        settings["client_id"],
        authority=settings["authority"],
        token_cache=cache,
        http_client=session,
        instance_discovery=False,
    )
    accounts = app.get_accounts()
    token = app.acquire_token_silent(["Presence.Read"], account=accounts[0]) if accounts else None
    if token is None:
        token = app.acquire_token_by_device_flow(app.initiate_device_flow(["Presence.Read"]))
        file.write_text(cache.serialize(), encoding="utf-8")
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    client.connect("127.0.0.1", settings["mqtt_port"])
    client.loop_start()
    while True:
        address = f"{settings['graph_url']}/me/presence"
        presence = session.get(address, headers=headers, timeout=30).json()
        client.publish(settings["topic"], json.dumps(presence), qos=1, retain=True)
        time.sleep(5)


if __name__ == "__main__":
    main()
