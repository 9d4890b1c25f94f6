"""How somebody signs in at Microsoft and stays signed in. Never reads presence.

``person`` is the sign-in of a person from request to token, ``device_code`` and ``browser`` are the
two ways to it; ``app_only`` is an app that signs itself in. Both keep their access token in
``access_token`` and speak through ``msal_client``.
"""
