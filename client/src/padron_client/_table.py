"""What there is to know of each operation before it is called.

``tools/make_client.py`` wrote this file from the API's document. Do not edit it.
"""

from padron_client.calls import Operation

SET_VEHICLE_STATUS = Operation(
    name="setVehicleStatus",
    method="PATCH",
    path="/api/v2/vehicles/{vin}/status",
    answers={202: "PlannedChangeShape", 204: "Done"},
    makes_key=False,
    accept="application/json",
)
GET_VEHICLE_STATUS = Operation(
    name="getVehicleStatus",
    method="GET",
    path="/api/v2/vehicles/{vin}/status",
    answers={200: "VehicleStatusShape"},
    makes_key=False,
    accept="application/json",
)
LIST_VEHICLE_STATUSES = Operation(
    name="listVehicleStatuses",
    method="GET",
    path="/api/v2/vehicle-statuses",
    answers={200: "StatusNameList"},
    makes_key=False,
    accept="application/json",
)
SET_VEHICLE_STATUSES = Operation(
    name="setVehicleStatuses",
    method="POST",
    path="/api/v2/vehicles/status",
    answers={200: "BulkAnswerList"},
    makes_key=True,
    accept="application/json",
)
UNDO_REQUEST = Operation(
    name="undoRequest",
    method="POST",
    path="/api/v2/requests/{requestId}/undo",
    answers={200: "UndoAnswerList"},
    makes_key=True,
    accept="application/json",
)
EXPORT_VEHICLES = Operation(
    name="exportVehicles",
    method="GET",
    path="/api/v2/vehicles.csv",
    answers={200: "Done"},
    makes_key=False,
    accept="text/csv",
)
COUNT_VEHICLES = Operation(
    name="countVehicles",
    method="GET",
    path="/api/v2/vehicles/count",
    answers={200: "VehicleCountShape"},
    makes_key=False,
    accept="application/json",
)
LIST_PLANNED_CHANGES = Operation(
    name="listPlannedChanges",
    method="GET",
    path="/api/v2/planned-changes",
    answers={200: "PlannedChangeList"},
    makes_key=False,
    accept="application/json",
)
GET_PLANNED_CHANGE = Operation(
    name="getPlannedChange",
    method="GET",
    path="/api/v2/planned-changes/{planId}",
    answers={200: "PlannedChangeShape"},
    makes_key=False,
    accept="application/json",
)
CANCEL_PLANNED_CHANGE = Operation(
    name="cancelPlannedChange",
    method="DELETE",
    path="/api/v2/planned-changes/{planId}",
    answers={204: "Done"},
    makes_key=False,
    accept="application/json",
)
UPSERT_VEHICLE_INFO = Operation(
    name="upsertVehicleInfo",
    method="PUT",
    path="/api/upsert-vehicle-info",
    answers={200: "UpsertedVehicle"},
    makes_key=False,
    accept="application/json",
)
PUT_VEHICLE = Operation(
    name="putVehicle",
    method="PUT",
    path="/api/v2/vehicles/{vin}",
    answers={200: "Vehicle", 201: "Vehicle"},
    makes_key=False,
    accept="application/json",
)
GET_VEHICLE = Operation(
    name="getVehicle",
    method="GET",
    path="/api/v2/vehicles/{vin}",
    answers={200: "Vehicle"},
    makes_key=False,
    accept="application/json",
)
DELETE_VEHICLE = Operation(
    name="deleteVehicle",
    method="DELETE",
    path="/api/v2/vehicles/{vin}",
    answers={200: "DeletedVehicleShape"},
    makes_key=False,
    accept="application/json",
)
LIST_VEHICLE_HISTORY = Operation(
    name="listVehicleHistory",
    method="GET",
    path="/api/v2/vehicles/{vin}/history",
    answers={200: "HistoryList"},
    makes_key=False,
    accept="application/json",
)
LIST_VEHICLES = Operation(
    name="listVehicles",
    method="GET",
    path="/api/v2/vehicles",
    answers={200: "VehicleList"},
    makes_key=False,
    accept="application/json",
)
LIST_VEHICLES_V1 = Operation(
    name="listVehiclesV1",
    method="GET",
    path="/api/vehicles",
    answers={200: "VehicleList"},
    makes_key=False,
    accept="application/json",
)
LIST_DELETIONS = Operation(
    name="listDeletions",
    method="GET",
    path="/api/v2/deletions",
    answers={200: "DeletionList"},
    makes_key=False,
    accept="application/json",
)
ERASE_VALUES = Operation(
    name="eraseValues",
    method="POST",
    path="/api/v2/erasures",
    answers={200: "ErasureShape"},
    makes_key=True,
    accept="application/json",
)
REPORT_STATUS_COUNTS = Operation(
    name="reportStatusCounts",
    method="GET",
    path="/api/v2/reports/status-counts",
    answers={200: "StatusCounts"},
    makes_key=False,
    accept="application/json",
)
REPORT_TIME_IN_STATUS = Operation(
    name="reportTimeInStatus",
    method="GET",
    path="/api/v2/reports/time-in-status",
    answers={200: "TimeReport"},
    makes_key=False,
    accept="application/json",
)
REPORT_TIME_IN_STATUS_CSV = Operation(
    name="reportTimeInStatus",
    method="GET",
    path="/api/v2/reports/time-in-status",
    answers={200: ""},
    makes_key=False,
    accept="text/csv",
)
LIST_DUPLICATES = Operation(
    name="listDuplicates",
    method="GET",
    path="/api/v2/duplicates",
    answers={200: "DuplicateList"},
    makes_key=False,
    accept="application/json",
)
RESOLVE_DUPLICATES = Operation(
    name="resolveDuplicates",
    method="POST",
    path="/api/v2/duplicates/{vin}/resolve",
    answers={200: "RepairAnswer"},
    makes_key=True,
    accept="application/json",
)
MERGE_DUPLICATES = Operation(
    name="mergeDuplicates",
    method="POST",
    path="/api/v2/duplicates/{vin}/merge",
    answers={200: "RepairAnswer"},
    makes_key=True,
    accept="application/json",
)
START_IMPORT = Operation(
    name="startImport",
    method="POST",
    path="/api/v2/imports",
    answers={202: "ImportShape"},
    makes_key=True,
    accept="application/json",
)
LIST_IMPORTS = Operation(
    name="listImports",
    method="GET",
    path="/api/v2/imports",
    answers={200: "ImportList"},
    makes_key=False,
    accept="application/json",
)
GET_IMPORT = Operation(
    name="getImport",
    method="GET",
    path="/api/v2/imports/{importId}",
    answers={200: "ImportShape"},
    makes_key=False,
    accept="application/json",
)
CANCEL_IMPORT = Operation(
    name="cancelImport",
    method="DELETE",
    path="/api/v2/imports/{importId}",
    answers={204: "Done"},
    makes_key=False,
    accept="application/json",
)
GET_IMPORT_REPORT = Operation(
    name="getImportReport",
    method="GET",
    path="/api/v2/imports/{importId}/report",
    answers={200: "Done"},
    makes_key=False,
    accept="text/csv",
)
KEEP_FILE = Operation(
    name="keepFile",
    method="POST",
    path="/api/v2/import-files",
    answers={201: "KeptFileShape"},
    makes_key=True,
    accept="application/json",
)
GET_FILE_PREVIEW = Operation(
    name="getFilePreview",
    method="GET",
    path="/api/v2/import-files/{fileId}/preview",
    answers={200: "PreviewShape"},
    makes_key=False,
    accept="application/json",
)
IMPORT_FILE = Operation(
    name="importFile",
    method="POST",
    path="/api/v2/import-files/{fileId}/imports",
    answers={202: "ImportShape"},
    makes_key=True,
    accept="application/json",
)
DISCARD_FILE = Operation(
    name="discardFile",
    method="DELETE",
    path="/api/v2/import-files/{fileId}",
    answers={204: "Done"},
    makes_key=False,
    accept="application/json",
)
CREATE_SELECTION = Operation(
    name="createSelection",
    method="POST",
    path="/api/v2/selections",
    answers={201: "SelectionShape"},
    makes_key=True,
    accept="application/json",
)
LIST_SELECTIONS = Operation(
    name="listSelections",
    method="GET",
    path="/api/v2/selections",
    answers={200: "SelectionList"},
    makes_key=False,
    accept="application/json",
)
GET_SELECTION = Operation(
    name="getSelection",
    method="GET",
    path="/api/v2/selections/{selectionId}",
    answers={200: "SelectionPageShape"},
    makes_key=False,
    accept="application/json",
)
DELETE_SELECTION = Operation(
    name="deleteSelection",
    method="DELETE",
    path="/api/v2/selections/{selectionId}",
    answers={204: "Done"},
    makes_key=False,
    accept="application/json",
)
PREVIEW_SELECTION = Operation(
    name="previewSelection",
    method="POST",
    path="/api/v2/selections/{selectionId}/preview",
    answers={200: "SelectionPreviewShape"},
    makes_key=False,  # no key of its own: it changes nothing, and must be fresh
    accept="application/json",
)
APPLY_SELECTION = Operation(
    name="applySelection",
    method="POST",
    path="/api/v2/selections/{selectionId}/apply",
    answers={202: "SelectionShape"},
    makes_key=True,
    accept="application/json",
)
GET_SELECTION_REPORT = Operation(
    name="getSelectionReport",
    method="GET",
    path="/api/v2/selections/{selectionId}/report",
    answers={200: "Done"},
    makes_key=False,
    accept="text/csv",
)
LIST_VIEWS = Operation(
    name="listViews",
    method="GET",
    path="/api/v2/views",
    answers={200: "ViewList"},
    makes_key=False,
    accept="application/json",
)
CREATE_VIEW = Operation(
    name="createView",
    method="POST",
    path="/api/v2/views",
    answers={201: "ViewShape"},
    makes_key=True,
    accept="application/json",
)
GET_VIEW = Operation(
    name="getView",
    method="GET",
    path="/api/v2/views/{viewId}",
    answers={200: "ViewShape"},
    makes_key=False,
    accept="application/json",
)
PUT_VIEW = Operation(
    name="putView",
    method="PUT",
    path="/api/v2/views/{viewId}",
    answers={200: "ViewShape"},
    makes_key=False,
    accept="application/json",
)
DELETE_VIEW = Operation(
    name="deleteView",
    method="DELETE",
    path="/api/v2/views/{viewId}",
    answers={204: "Done"},
    makes_key=False,
    accept="application/json",
)
CHECK_VEHICLES = Operation(
    name="checkVehicles",
    method="POST",
    path="/api/v2/gate",
    answers={200: "GateList"},
    makes_key=False,  # no key of its own: a verdict must be fresh
    accept="application/json",
)
LIST_GATE_REFUSALS = Operation(
    name="listGateRefusals",
    method="GET",
    path="/api/v2/gate/refusals",
    answers={200: "RefusalList"},
    makes_key=False,
    accept="application/json",
)
CHECK_VEHICLE = Operation(
    name="checkVehicle",
    method="GET",
    path="/api/v2/gate/{vin}",
    answers={200: "GateSingle"},
    makes_key=False,
    accept="application/json",
)
READ_GATE_SET = Operation(
    name="readGateSet",
    method="GET",
    path="/api/v2/gate-set",
    answers={200: "Done"},
    makes_key=False,
    accept="application/x-ndjson",
)
TAKE_GATE_LEASE = Operation(
    name="takeGateLease",
    method="POST",
    path="/api/v2/gate-leases",
    answers={201: "GrantedLeaseShape"},
    makes_key=False,
    accept="application/json",
)
LIST_GATE_LEASES = Operation(
    name="listGateLeases",
    method="GET",
    path="/api/v2/gate-leases",
    answers={200: "GateLeaseList"},
    makes_key=False,
    accept="application/json",
)
RENEW_GATE_LEASE = Operation(
    name="renewGateLease",
    method="PUT",
    path="/api/v2/gate-leases/{leaseId}",
    answers={200: "GrantedLeaseShape"},
    makes_key=False,
    accept="application/json",
)
END_GATE_LEASE = Operation(
    name="endGateLease",
    method="DELETE",
    path="/api/v2/gate-leases/{leaseId}",
    answers={204: "Done"},
    makes_key=False,
    accept="application/json",
)
LIST_CHANGES = Operation(
    name="listChanges",
    method="GET",
    path="/api/v2/changes",
    answers={200: "ChangeList"},
    makes_key=False,
    accept="application/json",
)
STREAM_CHANGES = Operation(
    name="listChanges",
    method="GET",
    path="/api/v2/changes",
    answers={200: ""},
    makes_key=False,
    accept="text/event-stream",
)
GET_LAST_CHANGE = Operation(
    name="getLastChange",
    method="GET",
    path="/api/v2/changes/last",
    answers={200: "LastChange"},
    makes_key=False,
    accept="application/json",
)
GET_ACTOR = Operation(
    name="getActor",
    method="GET",
    path="/api/v2/actors/{actorId}",
    answers={200: "ActorShape"},
    makes_key=False,
    accept="application/json",
)
CLAIM_WORK = Operation(
    name="claimWork",
    method="POST",
    path="/api/v2/operations/{name}/claims",
    answers={200: "ClaimList"},
    makes_key=False,  # no key of its own: an old answer could hand out a vehicle that is no longer Active; a lost claim's lease ends
    accept="application/json",
)
GIVE_RESULTS = Operation(
    name="giveResults",
    method="POST",
    path="/api/v2/operations/{name}/claims/results",
    answers={200: "ResultAnswerList"},
    makes_key=False,  # no key of its own: a result is stored once, however often it is sent
    accept="application/json",
)
START_RUN = Operation(
    name="startRun",
    method="POST",
    path="/api/v2/operations/{name}/runs",
    answers={201: "RunShape", 202: "RunShape"},
    makes_key=True,
    accept="application/json",
)
LIST_RUNS = Operation(
    name="listRuns",
    method="GET",
    path="/api/v2/operations/{name}/runs",
    answers={200: "RunList"},
    makes_key=False,
    accept="application/json",
)
GET_RUN = Operation(
    name="getRun",
    method="GET",
    path="/api/v2/operations/{name}/runs/{runId}",
    answers={200: "RunShape"},
    makes_key=False,
    accept="application/json",
)
CANCEL_RUN = Operation(
    name="cancelRun",
    method="DELETE",
    path="/api/v2/operations/{name}/runs/{runId}",
    answers={204: "Done"},
    makes_key=False,
    accept="application/json",
)
LIST_RUN_RESULTS = Operation(
    name="listRunResults",
    method="GET",
    path="/api/v2/operations/{name}/runs/{runId}/results",
    answers={200: "ResultList"},
    makes_key=False,
    accept="application/json",
)
LIST_VEHICLE_RESULTS = Operation(
    name="listVehicleResults",
    method="GET",
    path="/api/v2/vehicles/{vin}/results",
    answers={200: "ResultList"},
    makes_key=False,
    accept="application/json",
)
DELETE_OPERATION = Operation(
    name="deleteOperation",
    method="DELETE",
    path="/api/v2/operations/{name}",
    answers={204: "Done"},
    makes_key=False,
    accept="application/json",
)
PUT_OPERATION = Operation(
    name="putOperation",
    method="PUT",
    path="/api/v2/operations/{name}",
    answers={200: "OperationShape", 201: "OperationShape"},
    makes_key=False,
    accept="application/json",
)
LIST_OPERATIONS = Operation(
    name="listOperations",
    method="GET",
    path="/api/v2/operations",
    answers={200: "OperationList"},
    makes_key=False,
    accept="application/json",
)
SCAN_VINS = Operation(
    name="scanVins",
    method="POST",
    path="/api/v2/vins/scan",
    answers={200: "ScanShape"},
    makes_key=False,  # no key of its own: it changes nothing
    accept="application/json",
)
DESCRIBE_VIN = Operation(
    name="describeVin",
    method="GET",
    path="/api/v2/vins/{vin}",
    answers={200: "VinShape"},
    makes_key=False,
    accept="application/json",
)
CREATE_WEBHOOK = Operation(
    name="createWebhook",
    method="POST",
    path="/api/v2/webhooks",
    answers={201: "WebhookShape"},
    makes_key=True,
    accept="application/json",
)
LIST_WEBHOOKS = Operation(
    name="listWebhooks",
    method="GET",
    path="/api/v2/webhooks",
    answers={200: "WebhookList"},
    makes_key=False,
    accept="application/json",
)
GET_WEBHOOK = Operation(
    name="getWebhook",
    method="GET",
    path="/api/v2/webhooks/{webhookId}",
    answers={200: "WebhookShape"},
    makes_key=False,
    accept="application/json",
)
CHANGE_WEBHOOK = Operation(
    name="changeWebhook",
    method="PATCH",
    path="/api/v2/webhooks/{webhookId}",
    answers={200: "WebhookShape"},
    makes_key=False,
    accept="application/json",
)
DELETE_WEBHOOK = Operation(
    name="deleteWebhook",
    method="DELETE",
    path="/api/v2/webhooks/{webhookId}",
    answers={204: "Done"},
    makes_key=False,
    accept="application/json",
)
ROTATE_WEBHOOK_SECRET = Operation(
    name="rotateWebhookSecret",
    method="POST",
    path="/api/v2/webhooks/{webhookId}/rotate-secret",
    answers={200: "WebhookShape"},
    makes_key=True,
    accept="application/json",
)
TEST_WEBHOOK = Operation(
    name="testWebhook",
    method="POST",
    path="/api/v2/webhooks/{webhookId}/test",
    answers={200: "AnswerShape"},
    makes_key=True,
    accept="application/json",
)
LIST_WEBHOOK_DELIVERIES = Operation(
    name="listWebhookDeliveries",
    method="GET",
    path="/api/v2/webhooks/{webhookId}/deliveries",
    answers={200: "DeliveryList"},
    makes_key=False,
    accept="application/json",
)
GET_WEBHOOK_DELIVERY = Operation(
    name="getWebhookDelivery",
    method="GET",
    path="/api/v2/webhooks/{webhookId}/deliveries/{deliveryId}",
    answers={200: "LoggedDeliveryShape"},
    makes_key=False,
    accept="application/json",
)
REPLAY_WEBHOOK = Operation(
    name="replayWebhook",
    method="POST",
    path="/api/v2/webhooks/{webhookId}/replay",
    answers={202: "WebhookShape"},
    makes_key=True,
    accept="application/json",
)
REPLAY_WEBHOOK_DELIVERY = Operation(
    name="replayWebhookDelivery",
    method="POST",
    path="/api/v2/webhooks/{webhookId}/deliveries/{deliveryId}/replay",
    answers={202: "LoggedDeliveryShape"},
    makes_key=True,
    accept="application/json",
)
GET_ACCOUNT = Operation(
    name="getAccount",
    method="GET",
    path="/api/v2/account",
    answers={200: "AccountShape"},
    makes_key=False,
    accept="application/json",
)
LIST_ACCOUNT_EVENTS = Operation(
    name="listAccountEvents",
    method="GET",
    path="/api/v2/account/events",
    answers={200: "ActList"},
    makes_key=False,
    accept="application/json",
)
GET_STRICT_GATES = Operation(
    name="getStrictGates",
    method="GET",
    path="/api/v2/account/strict-gates",
    answers={200: "StrictGatesShape"},
    makes_key=False,
    accept="application/json",
)
SET_STRICT_GATES = Operation(
    name="setStrictGates",
    method="PUT",
    path="/api/v2/account/strict-gates",
    answers={200: "StrictGatesShape"},
    makes_key=False,
    accept="application/json",
)
CREATE_KEY = Operation(
    name="createKey",
    method="POST",
    path="/api/v2/keys",
    answers={201: "KeyShape"},
    makes_key=True,
    accept="application/json",
)
LIST_KEYS = Operation(
    name="listKeys",
    method="GET",
    path="/api/v2/keys",
    answers={200: "KeyList"},
    makes_key=False,
    accept="application/json",
)
GET_KEY = Operation(
    name="getKey",
    method="GET",
    path="/api/v2/keys/{keyId}",
    answers={200: "KeyShape"},
    makes_key=False,
    accept="application/json",
)
CHANGE_KEY = Operation(
    name="changeKey",
    method="PATCH",
    path="/api/v2/keys/{keyId}",
    answers={200: "KeyShape"},
    makes_key=False,
    accept="application/json",
)
REVOKE_KEY = Operation(
    name="revokeKey",
    method="DELETE",
    path="/api/v2/keys/{keyId}",
    answers={200: "KeyShape"},
    makes_key=False,
    accept="application/json",
)
ROTATE_KEY = Operation(
    name="rotateKey",
    method="POST",
    path="/api/v2/keys/{keyId}/rotate",
    answers={201: "RotatedKeyShape"},
    makes_key=True,
    accept="application/json",
)
LIST_MEMBERS = Operation(
    name="listMembers",
    method="GET",
    path="/api/v2/members",
    answers={200: "MemberList"},
    makes_key=False,
    accept="application/json",
)
GET_MEMBER = Operation(
    name="getMember",
    method="GET",
    path="/api/v2/members/{userId}",
    answers={200: "MemberShape"},
    makes_key=False,
    accept="application/json",
)
PUT_MEMBER = Operation(
    name="putMember",
    method="PUT",
    path="/api/v2/members/{userId}",
    answers={200: "MemberShape"},
    makes_key=False,
    accept="application/json",
)
REMOVE_MEMBER = Operation(
    name="removeMember",
    method="DELETE",
    path="/api/v2/members/{userId}",
    answers={204: "Done"},
    makes_key=False,
    accept="application/json",
)
SUSPEND_MEMBER = Operation(
    name="suspendMember",
    method="POST",
    path="/api/v2/members/{userId}/suspend",
    answers={200: "MemberShape"},
    makes_key=True,
    accept="application/json",
)
RESUME_MEMBER = Operation(
    name="resumeMember",
    method="POST",
    path="/api/v2/members/{userId}/resume",
    answers={200: "MemberShape"},
    makes_key=True,
    accept="application/json",
)
INVITE_MEMBER = Operation(
    name="inviteMember",
    method="POST",
    path="/api/v2/invitations",
    answers={201: "InvitationShape"},
    makes_key=True,
    accept="application/json",
)
CREATE_MEMBER_LINK = Operation(
    name="createMemberLink",
    method="POST",
    path="/api/v2/members/{userId}/link",
    answers={201: "LinkShape"},
    makes_key=True,
    accept="application/json",
)
GET_LIVENESS = Operation(
    name="getLiveness",
    method="GET",
    path="/livez",
    answers={200: "HealthShape"},
    makes_key=False,
    accept="application/json",
)
GET_READINESS = Operation(
    name="getReadiness",
    method="GET",
    path="/readyz",
    answers={200: "HealthShape"},
    makes_key=False,
    accept="application/json",
)
GET_RESOURCE_METADATA = Operation(
    name="getResourceMetadata",
    method="GET",
    path="/.well-known/oauth-protected-resource",
    answers={200: "ResourceMetadataShape"},
    makes_key=False,
    accept="application/json",
)
GET_START = Operation(
    name="getStart",
    method="GET",
    path="/",
    answers={200: ""},
    makes_key=False,
    accept="application/json",
)
GET_OPEN_API = Operation(
    name="getOpenApi",
    method="GET",
    path="/openapi.json",
    answers={200: ""},
    makes_key=False,
    accept="application/json",
)
GET_DOCS = Operation(
    name="getDocs",
    method="GET",
    path="/docs",
    answers={200: "Done"},
    makes_key=False,
    accept="text/html",
)
GET_GUIDE = Operation(
    name="getGuide",
    method="GET",
    path="/docs/{guide}",
    answers={200: "Done"},
    makes_key=False,
    accept="text/html",
)
GET_ASSET = Operation(
    name="getAsset",
    method="GET",
    path="/docs/assets/{asset}",
    answers={200: "Done"},
    makes_key=False,
    accept="text/css, text/javascript",
)
LIST_ERRORS = Operation(
    name="listErrors",
    method="GET",
    path="/errors",
    answers={200: "Done"},
    makes_key=False,
    accept="text/html",
)
GET_ERROR = Operation(
    name="getError",
    method="GET",
    path="/errors/{slug}",
    answers={200: "Done"},
    makes_key=False,
    accept="text/html",
)
