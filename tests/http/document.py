"""The document of the API. Every test that looks into it has the same one, because building it takes long."""

from padron.http.docs.events import EVENTS
from padron.http.docs.openapi import build_document
from padron.http.routes import ROUTES

DOCUMENT = build_document(ROUTES, EVENTS)
