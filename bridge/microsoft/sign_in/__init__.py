"""How somebody signs in at Microsoft and stays signed in.

``person`` is the sign-in of a person: ``stored_sign_in`` is what the disk has of it, ``attempts``
carries out the flows of ``device_code`` and ``browser``. ``app_only`` is an app that signs itself
in. Both have their ``access_token`` and speak through ``msal_client``.
"""
