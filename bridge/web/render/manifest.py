"""The web app manifest: what a phone needs to install the page and to share addresses with it.

Source: W3C Web Application Manifest; ``share_target`` is Web Share Target Level 1.
"""

import json

MANIFEST = json.dumps(
    {
        "name": "Presence Bridge",
        "short_name": "Presence",
        "id": "./",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "theme_color": "#17813f",
        "background_color": "#f4f5f7",
        "icons": [
            {"src": "static/icon.svg", "sizes": "any", "type": "image/svg+xml"},
            *(
                {
                    "src": f"static/icon-{size}.png",
                    "sizes": f"{size}x{size}",
                    "type": "image/png",
                    "purpose": purpose,
                }
                for size in (192, 512)
                for purpose in ("any", "maskable")
            ),
        ],
        "share_target": {
            "action": "share",
            "method": "GET",
            "params": {"title": "title", "text": "text", "url": "url"},
        },
    }
).encode()
"""All addresses are relative to it, so that it is right under any prefix."""
