"""The client with ``async``. The one without is made from it.

``tools/make_client.py`` wrote this file from the one in ``_async``. Do not edit it.
"""
