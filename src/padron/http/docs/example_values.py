"""The values for the examples of the document: one small story of one vehicle, the same in all calls.

A member's example is found under its shape, or else under its name. An optional member is in a shape's example only if
the shape's own row names it. ``MADE`` means an example made from the member's schema. ``LEFT_OUT`` removes a member
from one answer's example.
"""

from typing import Any

import msgspec

from padron.domain.limits import DEFAULT_LIMITS
from padron.domain.status import SETTABLE_IDS, SETTABLE_STATUSES, STATUS_TEXTS, is_operational
from padron.http.shapes.administration import shape_limits

MADE = object()
LEFT_OUT = object()

VIN = "3LNHL2GC1BR262548"
OTHER_VIN = "1HGCM82633A004352"
AT = "2026-11-27T15:04:05.250000Z"
LATER = "2026-12-01T14:00:00Z"
_REQUEST_ID = "e0676a397aca606e000000000002"
_KEY_ID = "1kq3TzN8bYw2Rf"
_KEY_NAME = "key fleet-platform"
_CURSOR = "bzE3OjQy"
_LEASE_ID = "5b1f0c2e9a7d4e8830c6b1a2"
_RUN_ID = "0000000000000a11"
_PLAN_ID = "0192f3a47be07c3e9d51a6f20b84c7"
_WEBHOOK_ID = "0c9Kq2mWv7Rt5XyZ1aBcDe"
_REASON = "Brakes, until Friday"
_TAG = "v17r2t6448b91e7c580"
_NUMBER = 42
_USER_ID = "u4mQ9sTzX2bLk"
_TOKEN = f"padron_{_KEY_ID}_…"
_DIGEST = "3f0c5d1c9a7b2e64" * 4
_LIMITS = msgspec.to_builtins(shape_limits(DEFAULT_LIMITS))

# The values of required parameters, which the path and the line of curl show.
PARAMETERS: dict[str, Any] = {
    "vin": VIN, "name": "query-fines", "runId": _RUN_ID, "requestId": _REQUEST_ID, "planId": _PLAN_ID,
    "importId": _RUN_ID, "fileId": _RUN_ID, "selectionId": _RUN_ID, "viewId": _RUN_ID, "actorId": _KEY_ID,
    "keyId": _KEY_ID, "userId": _USER_ID,
    "leaseId": _LEASE_ID,
    "webhookId": _WEBHOOK_ID, "deliveryId": _NUMBER, "slug": "vehicle-not-found",
    "operation": "dispatch", "from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z",
    "guide": "statuses", "asset": "docs.css",
}  # fmt: skip

MEMBERS: dict[str, Any] = {
    "accountDefault": False, "columns": ["plate", "statusSince"], "query": "assetStatusId=6&sort=-statusSince",
    "shared": True,
    "addedAt": AT, "date": "2026-01-31",
    "appliedAt": AT, "appliedBy": _KEY_ID, "appliedByName": _KEY_NAME, "digest": _DIGEST,
    "changedCount": 0, "leavingOperations": 2, "enteringOperations": 0, "withdrawnWork": 0, "faultCount": 0,
    "line": 3, "errorDetail": None,
    "disabledAt": None, "email": "ana@fleet.example", "hasPassword": True, "isShared": False,
    "link": "/console/invitation/padron_invitation_…",
    "at": AT, "attempt": 1, "attemptCount": 1, "attempts": 3, "binding": True, "body": "", "by": _KEY_ID,
    "byName": _KEY_NAME, "changedByName": _KEY_NAME, "createdByName": _KEY_NAME, "endedByName": None,
    "byteCount": 48_213, "cancelled": 0, "changed": 1, "changedBy": _KEY_ID, "changeNumber": None,
    "claimId": f"{_RUN_ID}-1-1", "count": 2, "createdAt": AT, "createdBy": _KEY_ID, "cursor": _CURSOR,
    "customId": "ECO-117", "days": 3.5, "delivered": True, "description": "Ask for fines", "detail": None,
    "dryRun": False, "dueAt": None, "durationMs": 87, "effectiveAt": LATER, "enabled": True, "endedAt": None,
    "endedBy": None, "endedRequestId": None, "error": None, "eventTypes": ["vehicle.status_changed"], "expected": "1",
    "expiresAt": LATER, "failingSince": None, "fields": ["ownerName"], "firstAt": AT, "fits": True, "follows": None,
    "fromStatusId": 1, "given": "1", "hour": "2026-11-27T15:00:00Z", "id": _PLAN_ID, "importId": _RUN_ID,
    "isCaller": False, "keepDuplicates": False, "label": "workshop", "networks": [], "lastUsedAt": AT,
    "lastUsedFrom": "192.0.2.7", "kind": "change", "lastAt": AT, "leaseSeconds": 60, "leaseUntil": LATER, "left": 0,
    "meaning": "In repair or maintenance.", "mode": "each", "modelYears": [2011], "more": False,
    "name": "In the Shop", "nextCursor": None, "nombre": "En taller", "number": _NUMBER, "offAt": None,
    "offDetail": None, "offReason": None, "operation": "query-fines", "operational": False,
    "operationalChanged": True, "outcome": "succeeded", "planned": 0, "plate": "RTA412C", "position": _NUMBER,
    "progress": 1, "reason": _REASON, "refused": 0, "refusalsKept": 0, "refusedCount": 1, "replacedBy": None,
    "replacedEndsAt": LATER, "replaces": "1k7pLm2QzV9sXc", "requestId": _REQUEST_ID, "requestsPerSecond": None,
    "revokedAt": None, "result": {"fines": 0}, "reverts": None, "revision": _TAG, "rowsPerSecond": 5_120.5,
    "runId": _RUN_ID, "scopes": ["vehicles:read", "vehicles:status"], "seconds": 302_400, "settable": True,
    "settledAt": AT, "since": AT, "state": "done", "status": 200, "statusSince": AT, "statusesEntered": [3, 4],
    "statusesLeft": [], "subject": _KEY_ID, "timestamp": AT, "toStatusId": 4, "unchanged": 0, "undone": 1,
    "undoneRequestId": "e0676a397aca606e000000000001", "until": None, "updatedAt": AT,
    "url": "https://fleet.example/hook", "vehicleCount": 1, "vehicleId": 17, "vehicleStatusId": 4, "vin": VIN,
    "webhookId": _WEBHOOK_ID, "wellFormed": True, "wmi": "3LN",
}  # fmt: skip

_SHOP_CAR: dict[str, Any] = {"plate": "RTA412C", "brandName": "Lincoln", "modelName": "MKZ", "doors": 4,
                             "ownerName": "Flota Norte"}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {
    "GrantedLeaseShape": {"leaseId": _LEASE_ID, "seconds": 2.0},
    "GateLeaseShape": {"leaseId": _LEASE_ID, "seconds": 2.0, "name": "dispatch-7", "ending": False},
    "GateLeaseList": {"strictGates": "on"},
    "StrictGatesShape": {"strictGates": "on"},
    "AccountCountsShape": {"vehicles": 412, "keys": 3, "webhooks": 1, "operations": 2},
    "AccountLimitsShape": _LIMITS,
    "ViewShape": {"id": _RUN_ID, "name": "To sell"},
    "AccountShape": {"id": 1, "name": "Flota Norte"},
    "ActShape": {"type": "keyAdded", "details": {"label": "workshop", "scopes": ["vehicles:read"]}},
    "ActorShape": {"id": _KEY_ID, "kind": "key", "name": _KEY_NAME},
    "BulkAnswer": {"status": 204, "outcome": "changed", "revision": _TAG},
    "ChangeList": {"nextCursor": _CURSOR},
    "ChangedVehicleShape": {"fromStatusId": 1, "toStatusId": 4},
    "ClaimShape": {"attempt": 1},
    "CountsShape": {"queued": 0, "claimed": 0, "succeeded": 1, "failed": 0, "withdrawn": 0, "exhausted": 0,
                    "cancelled": 0},
    "DeliveryShape": {"id": _NUMBER, "messageId": f"msg_{_WEBHOOK_ID}_16", "state": "delivered"},
    "DowntimeShape": {"reasons": MADE},
    "DuplicateGroupShape": {"differences": {"plate": ["RTA412C", "RTA413C"]}},
    "DuplicateVehicle": {"id": 17, **_SHOP_CAR},
    "ForeseenVehicle": {"outcome": "changed", "vehicleStatusId": 1},
    "FormerShape": {"id": 18, "vehicleId": 18, "revision": "v18r3t6448b91e7c580"},
    "GateRefusalShape": {"operation": "dispatch", "reason": "notActive", "count": 12},
    "GateSingle": {"allowed": False, "reason": "notActive", "vehicleStatusId": 4, "since": AT},
    "HealthShape": {"status": "ok"},
    "ResourceMetadataShape": {
        "resource": "https://padron.example", "authorization_servers": ["https://login.corp.example/realms/fleet"],
        "scopes_supported": ["vehicles:read", "vehicles:status"], "bearer_methods_supported": ["header"],
        "resource_name": "Padrón", "resource_documentation": "https://padron.example/docs",
    },
    "HistoryShape": {"type": "statusChanged", "fromStatusId": 1, "toStatusId": 4, "reason": _REASON},
    "ImportCountsShape": {"read": 412, "registered": 400, "updated": 10, "unchanged": 2, "keptDuplicates": 0,
                          "refused": 0},
    "ImportShape": {"fileName": "fleet.csv", "startedAt": AT, "endedAt": AT},
    "KeptFileShape": {"id": _RUN_ID, "fileName": "fleet.csv", "keptUntil": LATER},
    "PreviewShape": {"fingerprint": "5f2c9a0d8b7e4c31a6d0e9f8b7a6c5d4", "headerRow": 1},
    "PreviewColumnShape": {"name": "NIV", "column": "vin", "confidence": "sure"},
    "PreviewRowShape": {"line": 2, "cells": [VIN]},
    "KeyShape": {"id": _KEY_ID, "state": "usable"},
    "InvitationShape": {"id": _USER_ID, "role": "editor"},
    "ListFaultShape": {"given": "P 77", "reason": "unknown", "detail": "No vehicle has the name 'P 77'."},
    "LoggedDeliveryShape": {"id": _NUMBER, "messageId": f"msg_{_WEBHOOK_ID}_16", "state": "delivered",
                            "attempts": MADE},
    "MemberShape": {"id": _USER_ID, "name": "Ana Ruiz", "role": "editor"},
    "OperationShape": {"name": "query-fines"},
    "OutcomeCountsShape": {"changed": 2},
    "PlannedChangeShape": {"state": "pending"},
    "ResultAnswerShape": {"status": 200, "state": "succeeded"},
    "RotatedKeyShape": {"id": _KEY_ID, "state": "usable", "secret": _TOKEN},
    "RunRefusalShape": {"vin": OTHER_VIN, "reason": "notActive", "vehicleStatusId": 8, "since": AT},
    "RunEntryShape": {"queueing": False, "cancelledAt": AT, "cancelledBy": _KEY_ID, "cancelledByName": _KEY_NAME},
    "RunShape": {"state": "finished", "refused": MADE},
    "SelectedVehicleShape": {"outcome": "changed"},
    "SelectionShape": {"id": _RUN_ID, "source": "filter", "effectiveAt": None, "endedAt": AT},
    "SelectionPreviewShape": {"id": _RUN_ID},
    "TimeReport": {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z", "total": MADE},
    "UndoAnswer": {"outcome": "undone", "revision": _TAG},
    "UpsertedInfo": {"ownerName": "Flota Norte"},
    "Vehicle": {**_SHOP_CAR},
    "VehicleInfoChanged": {"former": {"plate": "RTA412C"}, "current": {"plate": "RTA413C"}, "operational": True,
                           "operationalChanged": False},
    "VehicleRegistered": {"toStatusId": 1, "operational": True, "allowed": True},
    "VerdictShape": {"allowed": False, "reason": "notActive", "vehicleStatusId": 4, "since": AT},
    "VinDetails": {"region": "North America", "country": "Mexico", "maker": "Lincoln"},
    "VinShape": {"details": MADE},
    "WebhookShape": {"id": _WEBHOOK_ID, "description": "Workshop system"},
}  # fmt: skip

_JUST_QUEUED = {"queued": 1, "claimed": 0, "succeeded": 0, "failed": 0, "withdrawn": 0, "exhausted": 0, "cancelled": 0}
_NOT_CANCELLED = {"cancelledAt": LEFT_OUT, "cancelledBy": LEFT_OUT, "cancelledByName": LEFT_OUT}
_IMPORT_QUEUED = {
    "state": "queued",
    "progress": 0,
    "rowsPerSecond": 0,
    "startedAt": LEFT_OUT,
    "endedAt": LEFT_OUT,
    "counts": dict.fromkeys(("read", "registered", "updated", "unchanged", "keptDuplicates", "refused"), 0),
}
# The values of one answer that differ from the example of its shape, by operation and status.
ANSWERS: dict[tuple[str, int], dict[str, Any]] = {
    ("createKey", 201): {"secret": _TOKEN},
    ("createWebhook", 201): {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    ("putVehicle", 200): {"vehicleStatusId": 1, "operational": True},
    ("putVehicle", 201): {"vehicleStatusId": 1, "operational": True},
    ("rotateWebhookSecret", 200): {"secret": "whsec_7Jq1oZc3mWyTn0eVx5RkPu2dHf8LgSbA", "formerSecretUntil": LATER},
    ("listVehicleStatuses", 200): {
        "vehicleStatuses": [
            {
                "vehicleStatusId": status.value,
                "name": text.name,
                "nombre": text.nombre,
                "meaning": text.meaning,
                "operational": is_operational(status),
                "settable": status in SETTABLE_STATUSES.values(),
            }
            for status, text in STATUS_TEXTS.items()
        ]
    },
    ("createSelection", 201): {
        "state": "ready",
        **dict.fromkeys(
            ("vehicleStatusId", "reason", "requestId", "appliedAt", "appliedBy", "appliedByName", "endedAt")
        ),
        "counts": dict.fromkeys(("changed", "unchanged", "planned", "refused", "left"), 0),
    },
    ("applySelection", 202): {
        "state": "queued",
        "endedAt": None,
        "counts": dict.fromkeys(("changed", "unchanged", "planned", "refused", "left"), 0),
    },
    ("startImport", 202): _IMPORT_QUEUED,
    ("importFile", 202): _IMPORT_QUEUED,
    ("getRun", 200): _NOT_CANCELLED,
    ("startRun", 201): {"state": "open", "progress": 0, "counts": _JUST_QUEUED, **_NOT_CANCELLED},
    ("startRun", 202): {"state": "queueing", "progress": 0, "counts": _JUST_QUEUED, **_NOT_CANCELLED},
}

# The ``detail`` of each error, by its documented name.
DETAILS: dict[str, str] = {
    "BadHost": "The request needs exactly one Host header with a host name.",
    "BadParameters": f"vehicleStatusId 2 (Info Changed) is set by the system alone: use {SETTABLE_IDS}.",
    "BatchRefused": "1 of 2 vehicles was refused, so nothing was changed: see results.",
    "BodyTooLarge": "The body may have at most 16384 bytes.",
    "Forbidden": f"The API key {_KEY_ID} does not have the scope vehicles:status.",
    "HeadersTooLarge": "The request may have at most 64 headers and 16384 bytes of headers.",
    "InternalError": f"The server failed with an internal error; its log has it under {_REQUEST_ID}.",
    "MethodNotAllowed": "This address does not accept POST, only GET, HEAD, OPTIONS.",
    "MultipleVehiclesFound": f"The account has 2 current vehicles with the VIN {VIN}: resolve the duplicates first.",
    "PathNotFound": "There is nothing at this address. See /docs for all addresses.",
    "RateExceeded": "This API key has sent more than 50000 requests a second, and 100000 at once. Send fewer, or wait "
    "for the seconds in Retry-After.",
    "RequestTimeout": "The body did not arrive within 10 seconds.",
    "RevisionMismatch": f"The vehicle {VIN} is at revision 3, not 2. Read the vehicle again and decide.",
    "SelectionChanged": "Nothing was changed: 1 of the selected vehicles changed since they were shown. "
    "Show what changed, and confirm again.",
    "ServerFull": "The server already holds many large requests. Try again shortly.",
    "StoreUnavailable": "The database cannot be reached.",
    "TargetTooLong": "The address has more than 2048 bytes.",
    "TooManyRequests": "The server is already handling the maximum number of requests. Try again.",
    "Unauthorized": "Send an API key: Authorization: Bearer padron_…",
    "UnsupportedMediaType": "The body is declared as 'text/plain': send JSON in UTF-8.",
    "VehicleLimitReached": "The vehicle was not registered, because this account already has 10000000 vehicles, the "
    "maximum.",
    "VehicleNotFound": f"The account has no current vehicle with the VIN {VIN}.",
}
INSTANCE = _REQUEST_ID

_PAGE = '<!doctype html>\n<html lang="en">\n…\n</html>\n'
FILE = f"vin,plate,brandName,vehicleStatusId\n{VIN},RTA412C,Lincoln,1\n"
PICTURE = "(the bytes of a JPEG, PNG or WebP picture)"
_EVENT_STREAM = (
    ": padron\n\n"
    "id: bzE3OjQy\nevent: vehicle.status_changed\n"
    f'data: {{"type":"vehicle.status_changed","number":42,"vin":"{VIN}","at":"{AT}","by":"{_KEY_ID}",'
    f'"byName":"{_KEY_NAME}","requestId":"{_REQUEST_ID}","operational":false,"operationalChanged":true,"fromStatusId":1,"toStatusId":4,'
    f'"reason":"{_REASON}","allowed":false}}\n\n'
    "id: bzE3OjQz\n: waiting\n\n"
)
_GATE_SET = f'{{"of":"operable","cursor":"{_CURSOR}","number":1542,"operable":1,"refused":1}}\n"{VIN}"\n{{"end":1}}\n'
_TIME_REPORT = (
    "kind,vin,vehicleStatusId,status,operational,reason,seconds,days\n"
    f'vehicle,{VIN},4,In the Shop,false,"{_REASON}",302400,3.5\n'
    f'total,,4,In the Shop,false,"{_REASON}",302400,3.5\n'
)
TEXTS: dict[tuple[str, str], Any] = {
    ("getOpenApi", "application/json"): {"openapi": "3.1.1", "info": {"title": "Padrón", "version": "1"}, "paths": {}},
    ("listChanges", "text/event-stream"): _EVENT_STREAM,
    ("readGateSet", "application/x-ndjson"): _GATE_SET,
    ("exportVehicles", "text/csv"): f"vin,vehicleStatusId,customId,plate,…,revision\n{VIN},4,,RTA412C,…,{_TAG}\n",
    ("getImportReport", "text/csv"): "line,column,detail\n3,vin,\"vin: character 17 is 'O': a VIN has no letter O\"\n",
    ("getSelectionReport", "text/csv"): f"vin,vehicleStatusId,revision,outcome,line,detail\n{VIN},1,{_TAG},changed,,\n",
    ("reportTimeInStatus", "text/csv"): _TIME_REPORT,
    ("getDocs", "text/html"): _PAGE,
    ("getGuide", "text/html"): _PAGE,
    ("listErrors", "text/html"): _PAGE,
    ("getError", "text/html"): _PAGE,
    ("getAsset", "text/css"): "body { margin: 0; }\n",
    ("getAsset", "text/javascript"): '"use strict";\n',
    ("getStart", "application/json"): {
        "name": "Padrón",
        "documentation": "/docs",
        "openapi": "/openapi.json",
        "errors": "/errors",
    },
}
