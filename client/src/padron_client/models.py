"""The records of the API: what is sent, and what comes back.

``tools/make_client.py`` wrote this file from the API's document. Do not edit it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from msgspec import UNSET, UnsetType, field

from padron_client.records import Answer, Body, Instant, OpenIntEnum, OpenStrEnum, Record


class ActType(OpenStrEnum):
    """What was done, as a past fact."""

    ACCOUNT_ADDED = "accountAdded"
    ACCOUNT_DISABLED = "accountDisabled"
    ACCOUNT_ENABLED = "accountEnabled"
    ACCOUNT_RENAMED = "accountRenamed"
    KEY_ADDED = "keyAdded"
    KEY_CHANGED = "keyChanged"
    KEY_REVOKED = "keyRevoked"
    KEY_ROTATED = "keyRotated"
    LINK_MADE = "linkMade"
    MEMBER_ADDED = "memberAdded"
    MEMBER_CHANGED = "memberChanged"
    MEMBER_REMOVED = "memberRemoved"
    MEMBER_RESUMED = "memberResumed"
    MEMBER_SUSPENDED = "memberSuspended"
    STRICT_GATES_SWITCHED = "strictGatesSwitched"


class ActorKind(OpenStrEnum):
    """What an author is."""

    COMMAND_LINE = "commandLine"
    KEY = "key"
    PERSON = "person"
    TOKEN = "token"


class BulkMode(OpenStrEnum):
    """The effect of one refusal on the other vehicles."""

    ALL = "all"
    EACH = "each"


class Confidence(OpenStrEnum):
    """How sure it is what a column means."""

    CHOSEN = "chosen"
    LIKELY = "likely"
    NONE = "none"
    SURE = "sure"


class FaultReason(OpenStrEnum):
    """Why a name of a list gives no vehicle of its own."""

    AMBIGUOUS = "ambiguous"
    DUPLICATE = "duplicate"
    MALFORMED = "malformed"
    UNKNOWN = "unknown"


class ImportState(OpenStrEnum):
    """The state of an import."""

    CANCELLED = "cancelled"
    DONE = "done"
    FAILED = "failed"
    QUEUED = "queued"
    RUNNING = "running"
    UPLOADING = "uploading"


class LeftReason(OpenStrEnum):
    """Why an undo leaves a vehicle as it is."""

    CHANGED_SINCE = "changedSince"
    ERASED = "erased"
    NOT_UNDOABLE = "notUndoable"
    ONLY_VEHICLE = "onlyVehicle"
    PLATE_IN_USE = "plateInUse"
    REGISTERED = "registered"
    TOO_LATE = "tooLate"
    VIN_IN_USE = "vinInUse"


class Outcome(OpenStrEnum):
    """How an attempt ended, according to its worker."""

    FAILED = "failed"
    SUCCEEDED = "succeeded"


class PlanKind(OpenStrEnum):
    """What a plan is for."""

    CHANGE = "change"
    RETURN = "return"


class PlanState(OpenStrEnum):
    """The state of a plan. A plan leaves `pending` once, and never returns to it."""

    CANCELLED = "cancelled"
    EXECUTED = "executed"
    LAPSED = "lapsed"
    PENDING = "pending"
    REFUSED = "refused"


class RefusalReason(OpenStrEnum):
    """Why an operation may not touch a vehicle: the gate refuses it, and a run leaves it out."""

    NOT_ACTIVE = "notActive"
    SEVERAL = "several"
    UNKNOWN = "unknown"


class Role(OpenStrEnum):
    """What a member does in an account, from the least to the most."""

    EDITOR = "editor"
    MANAGER = "manager"
    OWNER = "owner"
    VIEWER = "viewer"


class RunState(OpenStrEnum):
    """The state of a run."""

    CANCELLED = "cancelled"
    FINISHED = "finished"
    OPEN = "open"
    QUEUEING = "queueing"


class SelectedOutcome(OpenStrEnum):
    """What happened to one vehicle, or what would happen."""

    CHANGED = "changed"
    CHANGED_SINCE = "changedSince"
    PLANNED = "planned"
    REFUSED = "refused"
    UNCHANGED = "unchanged"


class SelectionSource(OpenStrEnum):
    """What a selection was made from."""

    FILTER = "filter"
    LIST = "list"
    VEHICLES = "vehicles"


class SelectionState(OpenStrEnum):
    """The state of a selection."""

    CANCELLED = "cancelled"
    DONE = "done"
    FAILED = "failed"
    MAKING = "making"
    QUEUED = "queued"
    READY = "ready"
    RUNNING = "running"


class StrictGates(OpenStrEnum):
    """Whether the deactivations of an account wait for leases, and whether there may be new leases."""

    ENDING = "ending"
    OFF = "off"
    ON = "on"


class Symbology(OpenStrEnum):
    """The kinds of barcode that labels with a VIN have."""

    CODE128 = "code128"
    CODE39 = "code39"
    DATA_MATRIX = "dataMatrix"
    QR_CODE = "qrCode"


class VehicleStatusId(OpenIntEnum):
    """A status of a vehicle: the id of a vehicle status."""

    INACTIVE = 0
    ACTIVE = 1
    INFO_CHANGED = 2
    STOLEN = 3
    IN_THE_SHOP = 4
    TO_REPLACE = 5
    FOR_SALE = 6
    IMPOUNDED = 7
    SOLD = 8
    TOTAL_LOSS = 9


class WorkState(OpenStrEnum):
    """The state of the work on one vehicle. The last five are final."""

    CANCELLED = "cancelled"
    CLAIMED = "claimed"
    EXHAUSTED = "exhausted"
    FAILED = "failed"
    QUEUED = "queued"
    SUCCEEDED = "succeeded"
    WITHDRAWN = "withdrawn"


class AccountCountsShape(Record, frozen=True, kw_only=True, rename="camel"):
    """How much the account has of what is limited: current vehicles, keys that can be used, webhooks, operations."""

    vehicles: int
    keys: int
    webhooks: int
    operations: int


class AccountLimitsShape(Record, frozen=True, kw_only=True, rename="camel"):
    """The limits in force for each account. Only the operator of the server sets them."""

    vehicles: int
    keys: int
    webhooks: int
    operations: int
    runs: int
    queued_work: int
    imports: int
    idempotency_keys: int
    idempotency_bytes: int
    gate_leases: int
    key_requests_per_s: int
    key_burst: int
    calls: int
    waiting: int
    queued_changes: int
    exports: int
    scans: int
    body_bytes: int


class AccountShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The account of the key."""

    id: int
    name: str
    created_at: Instant
    counts: AccountCountsShape
    limits: AccountLimitsShape


class ActList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of acts, newest first. On the last page, `more` is false and `nextCursor` is null."""

    events: list[ActShape]
    next_cursor: str | None
    more: bool


class ActShape(Record, frozen=True, kw_only=True, rename="camel"):
    """What was done, by whom and to what. `subject` is the id of a key or of the account. `requestId` is missing for what an operator did on the command line. `details` never has a secret."""

    number: int
    type: ActType
    at: Instant
    by: str
    by_name: str | None
    subject: str
    details: dict[str, Any]
    request_id: str | None = None


class ActorShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """An author of changes, by the present name. `erased` is true for a person whose name was erased."""

    id: str
    kind: ActorKind
    name: str
    erased: bool | None = None


class AnswerShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The result of sending: the receiver's status and the beginning of its answer, or why there is no answer."""

    delivered: bool
    status: int | None
    error: str | None
    body: str
    duration_ms: int


class ApplyBody(Body, frozen=True, kw_only=True, rename="camel"):
    """The confirmed change. `digest` is that of the preview which somebody saw."""

    vehicle_status_id: VehicleStatusId
    reason: str | UnsetType = UNSET
    effective_at: Instant | UnsetType = UNSET
    until: Instant | UnsetType = UNSET
    digest: str


class AttemptShape(Record, frozen=True, kw_only=True, rename="camel"):
    """One attempt of a delivery."""

    delivered: bool
    status: int | None
    error: str | None
    body: str
    duration_ms: int
    attempt: int
    at: Instant


class BulkAnswer(Record, frozen=True, kw_only=True, rename="camel"):
    """The result for one vehicle: 204 or 202 as from the single call, with its revision; or the problem. A dry run gives no `revision`, because nothing is stored. `plannedChangeId` is present when something was planned: the change, or the return to the earlier status. 424 means that the vehicle was not changed because another vehicle was refused."""

    vin: str
    status: int
    outcome: str
    revision: str | None = None
    planned_change_id: str | None = None
    type: str | None = None
    title: str | None = None
    detail: str | None = None
    error_type: str | None = None
    error_detail: str | None = None


class BulkAnswerList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The answers in the order of the vehicles, and the number of each kind. `requestId` can be undone."""

    request_id: str
    mode: BulkMode
    dry_run: bool
    changed: int
    unchanged: int
    planned: int
    refused: int
    results: list[BulkAnswer]


class BulkStatusBody(Body, frozen=True, kw_only=True, rename="camel"):
    """Vehicles and their new statuses. With `dryRun` the answer is the same, but nothing is changed."""

    vehicles: list[BulkVehicle]
    mode: BulkMode | UnsetType = UNSET
    dry_run: bool | UnsetType = UNSET


class BulkVehicle(Body, frozen=True, kw_only=True, rename="camel"):
    """One vehicle and its new status. With `revision`, only if the vehicle has this revision, as with If-Match."""

    vehicle_status_id: VehicleStatusId
    reason: str | UnsetType = UNSET
    effective_at: Instant | UnsetType = UNSET
    until: Instant | UnsetType = UNSET
    vin: str
    revision: str | int | UnsetType = UNSET


class ChangeList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """Changes in order, the cursor for the next request, and whether there are already more changes."""

    changes: list[Change]
    next_cursor: str
    more: bool


class ChangedVehicleShape(Record, frozen=True, kw_only=True, rename="camel"):
    """A vehicle that changed since it was last shown. A null `revision` means that it is not current any more."""

    vin: str
    from_status_id: VehicleStatusId
    to_status_id: VehicleStatusId | None
    revision: str | None


class CheckDigitShape(Record, frozen=True, kw_only=True, rename="camel"):
    """Character 9, and the right check digit. `warning` is present if the digit is required and wrong."""

    given: str
    expected: str
    fits: bool
    binding: bool
    warning: str | None = None


class ChosenVehicleShape(Body, frozen=True, kw_only=True, rename="camel"):
    """A vehicle, with the revision at which it was seen. Without one it is taken as it is now."""

    vin: str
    revision: str | UnsetType = UNSET


class ClaimBody(Body, frozen=True, kw_only=True, rename="camel"):
    """The maximum number of vehicles to claim, and how many seconds to wait for the first one."""

    limit: int | UnsetType = UNSET
    wait: int | UnsetType = UNSET


class ClaimList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The claimed vehicles. The list is empty when there is no work."""

    claims: list[ClaimShape]


class ClaimShape(Record, frozen=True, kw_only=True, rename="camel"):
    """A claimed vehicle. The worker has it until `leaseUntil`."""

    id: str
    claim_id: str
    run_id: str
    vin: str
    attempt: int
    lease_until: Instant


class CorrectionBody(Body, frozen=True, kw_only=True, rename="camel"):
    """What a cell of the file should have been. `line` and `column` are those of the report."""

    line: int
    column: str
    value: str


class CountsShape(Record, frozen=True, kw_only=True, rename="camel"):
    """The number of a run's vehicles in each state. The last five states are final."""

    queued: int | None = None
    claimed: int | None = None
    succeeded: int | None = None
    failed: int | None = None
    withdrawn: int | None = None
    exhausted: int | None = None
    cancelled: int | None = None


class DailyCountShape(Record, frozen=True, kw_only=True, rename="camel"):
    """How many vehicles had one status."""

    vehicle_status_id: VehicleStatusId
    name: str
    count: int


class DeletedVehicleShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A vehicle that was deleted. `requestId` can be undone until `undoableUntil`."""

    vin: str
    vehicle_id: int
    deleted_at: Instant
    request_id: str
    undoable_until: Instant


class DeletionList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of deletions, the last one first."""

    deletions: list[DeletionShape]
    next_cursor: str | None
    more: bool


class DeletionShape(Record, frozen=True, kw_only=True, rename="camel"):
    """A deletion that was not undone. `plate` and `vehicleStatusId` are those that the vehicle had."""

    vin: str
    vehicle_id: int
    plate: str | None
    vehicle_status_id: VehicleStatusId
    deleted_at: Instant
    by: str
    by_name: str | None
    reason: str | None
    request_id: str
    undoable_until: Instant


class DeliveryList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of deliveries, newest first. On the last page, `more` is false and `nextCursor` is null."""

    deliveries: list[DeliveryShape]
    next_cursor: str | None
    more: bool


class DeliveryShape(Record, frozen=True, kw_only=True, rename="camel"):
    """One change for one endpoint. `id` is the number of the change, and `event` is its event as it is now."""

    id: int
    message_id: str
    state: str
    attempt_count: int
    due_at: Instant | None
    settled_at: Instant | None
    event: Change


class DowntimeShape(Record, frozen=True, kw_only=True, rename="camel"):
    """Time in which a vehicle existed and was not operational, and what for, most first."""

    seconds: int
    days: float
    reasons: list[ReasonTimeShape]
    other_reasons_seconds: int | None = None


class DuplicateGroupShape(Record, frozen=True, kw_only=True, rename="camel"):
    """A VIN, its vehicles, and the values that differ, in the order of the vehicles. A missing value is null. `count` is the number of vehicles. If it is more than a thousand, only the first ones are shown."""

    vin: str
    count: int
    vehicles: list[DuplicateVehicle]
    differences: dict[str, list[str | int | None]]


class DuplicateList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of duplicates, by VIN. On the last page, `more` is false and `nextCursor` is null."""

    duplicates: list[DuplicateGroupShape]
    next_cursor: str | None
    more: bool


class DuplicateVehicle(Record, frozen=True, kw_only=True, rename="camel"):
    """One of several vehicles with a VIN, with the author and the reason of its status."""

    vin: str
    vehicle_status_id: VehicleStatusId
    operational: bool
    status_since: Instant
    created_at: Instant
    updated_at: Instant
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    custom_id: str | None = None
    plate: str | None = None
    state_id: int | None = None
    rfc_name: str | None = None
    tax_identifier: str | None = None
    lessor_name: str | None = None
    brand_name: str | None = None
    model_name: str | None = None
    country: str | None = None
    class_: str | None = None
    type: str | None = None
    doors: int | None = None
    variation: str | None = None
    cilinders: str | None = None
    axes: str | None = None
    vehicle_color: str | None = None
    version: str | None = None
    assembly_place: str | None = None
    supplementary_data: str | None = None
    registration_institution: str | None = None
    plate_entity: str | None = None
    registration_sheet: str | None = None
    observations: str | None = None
    owner_name: str | None = None
    engine_number: str | None = None
    legal_name: str | None = None
    id: int
    vehicle_id: int
    changed_by: str
    changed_by_name: str | None
    reason: str | None
    revision: str | None = None


class ErasedVehicleShape(Record, frozen=True, kw_only=True, rename="camel"):
    """One vehicle: the fields, the changes that had the values, and the change that records it (null: dry run)."""

    vehicle_id: int
    vin: str
    number: int | None
    fields: list[str]
    change_numbers: list[int]


class ErasureBody(Body, frozen=True, kw_only=True, rename="camel"):
    """Which values are erased: the fields of the vehicles with a VIN, or one value wherever these fields have it."""

    fields: list[
        Literal["rfcName", "taxIdentifier", "lessorName", "supplementaryData", "observations", "ownerName", "legalName"]
    ]
    vin: str | UnsetType = UNSET
    value: str | UnsetType = UNSET
    dry_run: bool | UnsetType = UNSET
    reason: str | UnsetType = UNSET


class ErasureShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The result. `incomplete`: repeat the request, because others have the value too. `openImports` is the number of imports that have not ended. Their files may have the values."""

    request_id: str
    dry_run: bool
    erased: list[ErasedVehicleShape]
    incomplete: bool
    open_imports: int


class ForeseenVehicle(Record, frozen=True, kw_only=True, rename="camel"):
    """A vehicle, and what would become of it."""

    vin: str
    vehicle_status_id: VehicleStatusId
    revision: str | None
    outcome: SelectedOutcome
    error_detail: str | None
    detail: str | None


class FormerShape(Record, frozen=True, kw_only=True, rename="camel"):
    """A vehicle that became a former version. A dry run gives no `revision`, because nothing is stored."""

    id: int
    vehicle_id: int
    revision: str | None = None


class GateBody(Body, frozen=True, kw_only=True, rename="camel"):
    """An operation, and the vehicles that it wants to touch."""

    operation: str
    vins: list[str]


class GateLeaseBody(Body, frozen=True, kw_only=True, rename="camel"):
    """For how long each answer of the lease counts, and a name for people."""

    seconds: float | UnsetType = UNSET
    name: str | UnsetType = UNSET


class GateLeaseList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """All leases, oldest first, with the number of the account's last change."""

    strict_gates: StrictGates
    number: int
    leases: list[GateLeaseShape]


class GateLeaseShape(Record, frozen=True, kw_only=True, rename="camel"):
    """A lease as the account sees it. `number` is the last change that its local gate has applied."""

    lease_id: str
    name: str | None
    seconds: float
    created_by: str
    created_by_name: str | None
    created_at: Instant
    number: int
    ending: bool


class GateList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The verdicts in the order of the request, and the cursor of the feed that they reflect."""

    results: list[VerdictShape]
    cursor: str


class GateRefusalShape(Record, frozen=True, kw_only=True, rename="camel"):
    """How often one key was refused one VIN within an hour. `vehicleStatusId` is null for an unknown VIN."""

    hour: Instant
    vin: str
    operation: str
    by: str
    by_name: str | None
    reason: RefusalReason
    vehicle_status_id: VehicleStatusId | None
    count: int
    first_at: Instant
    last_at: Instant


class GateRenewalBody(Body, frozen=True, kw_only=True, rename="camel"):
    """The cursor of the feed up to which the local gate has applied all changes."""

    cursor: str


class GateSingle(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The verdict on one vehicle, and the cursor of the feed that it reflects."""

    vin: str
    allowed: bool
    cursor: str
    reason: RefusalReason | None = None
    vehicle_status_id: VehicleStatusId | None = None
    since: Instant | None = None


class GivenResultBody(Body, frozen=True, kw_only=True, rename="camel"):
    """The result of one claim."""

    claim_id: str
    outcome: Outcome
    result: Any | UnsetType = UNSET


class GivenValues(Body, frozen=True, kw_only=True, rename="camel"):
    """Values, by field."""

    vehicle_status_id: VehicleStatusId | UnsetType = UNSET
    custom_id: str | UnsetType = UNSET
    plate: str | UnsetType = UNSET
    state_id: int | str | UnsetType = UNSET
    rfc_name: str | UnsetType = UNSET
    tax_identifier: str | UnsetType = UNSET
    lessor_name: str | UnsetType = UNSET
    brand_name: str | UnsetType = UNSET
    model_name: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    class_: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    doors: int | str | UnsetType = UNSET
    variation: str | UnsetType = UNSET
    cilinders: str | UnsetType = UNSET
    axes: str | UnsetType = UNSET
    vehicle_color: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    assembly_place: str | UnsetType = UNSET
    supplementary_data: str | UnsetType = UNSET
    registration_institution: str | UnsetType = UNSET
    plate_entity: str | UnsetType = UNSET
    registration_sheet: str | UnsetType = UNSET
    observations: str | UnsetType = UNSET
    owner_name: str | UnsetType = UNSET
    engine_number: str | UnsetType = UNSET
    legal_name: str | UnsetType = UNSET


class GrantedLeaseShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A lease. It counts for `seconds` from before the request, once the change `number` is applied."""

    lease_id: str
    seconds: float
    number: int
    cursor: str


class HealthShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The server answers. If it has a replica: whether the replica is fresh enough for reads, or is behind or gone. `integrity` says whether the check of the whole SQLite file goes on, or has found no damage."""

    status: str
    replica: str | None = None
    integrity: str | None = None
    warnings: list[TroubleShape] | None = None


class HistoryList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of a vehicle's changes, newest first. On the last page, `more` is false and `nextCursor` is null."""

    history: list[HistoryShape]
    next_cursor: str | None
    more: bool
    archived_until: Instant | None = None


class HistoryShape(Record, frozen=True, kw_only=True, rename="camel"):
    """One change. `former` and `current` have the values that differ. A missing value is null. A value that was erased is the text [erased]. The change `erased` has `fields` and the numbers of the changes that had their values."""

    type: str
    at: Instant
    by: str
    by_name: str | None
    request_id: str
    from_status_id: VehicleStatusId | None = None
    to_status_id: VehicleStatusId | None = None
    reason: str | None = None
    former: dict[str, str | int | None] | None = None
    current: dict[str, str | int | None] | None = None
    fields: list[str] | None = None
    change_numbers: list[int] | None = None


class ImportCountsShape(Record, frozen=True, kw_only=True, rename="camel"):
    """The results of the rows so far. In a dry run, the results that an import would have."""

    read: int
    registered: int
    updated: int
    unchanged: int
    kept_duplicates: int
    refused: int


class ImportList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of imports, newest first. On the last page, `more` is false and `nextCursor` is null."""

    imports: list[ImportShape]
    next_cursor: str | None
    more: bool


class ImportShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The state of an import. `requestId` is the id in the history, and can be undone. `detail` says why it failed. `progress` is the share of the file that was read. `refusalsKept` is the number of faults in the report. `headerRow` is the row with the column names, `sheet` is the sheet of the workbook, and `ignoredColumns` are the names of columns that are not read."""

    id: str
    import_id: str
    state: ImportState
    keep_duplicates: bool
    dry_run: bool
    byte_count: int
    progress: float
    rows_per_second: float
    counts: ImportCountsShape
    refusals_kept: int
    request_id: str
    created_at: Instant
    created_by: str
    created_by_name: str | None
    file_name: str | None = None
    started_at: Instant | None = None
    ended_at: Instant | None = None
    detail: str | None = None
    header_row: int | None = None
    sheet: str | None = None
    ignored_columns: list[str] | None = None


class InvitationBody(Body, frozen=True, kw_only=True, rename="camel"):
    """A person to invite."""

    email: str
    name: str
    role: Role


class InvitationShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A new member, with a link that works once. It is shown only in this answer."""

    secrets: ClassVar[frozenset[str]] = frozenset({"link"})
    link: str
    expires_at: Instant
    id: str
    role: Role


class KeptFileShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """An uploaded file that waits to be imported. It is deleted at `keptUntil`, which each import of it moves."""

    id: str
    byte_count: int
    kept_until: Instant
    file_name: str | None = None


class KeptImportBody(Body, frozen=True, kw_only=True, rename="camel"):
    """How to import the file. The members are those of a direct import, and `corrections` of single cells. With `fingerprint`, of the preview, the mapping is kept for the next file with the same names."""

    dry_run: bool | UnsetType = UNSET
    keep_duplicates: bool | UnsetType = UNSET
    sheet: str | UnsetType = UNSET
    header_row: int | UnsetType = UNSET
    mapping: dict[str, str] | UnsetType = UNSET
    ignore_unknown: bool | UnsetType = UNSET
    normalize: bool | UnsetType = UNSET
    corrections: list[CorrectionBody] | UnsetType = UNSET
    fingerprint: str | UnsetType = UNSET


class KeyBody(Body, frozen=True, kw_only=True, rename="camel"):
    """An API key to create."""

    label: str
    scopes: list[
        Literal[
            "vehicles:read",
            "vehicles:write",
            "vehicles:status",
            "vehicles:bulk",
            "vehicles:repair",
            "vehicles:delete",
            "vehicles:erase",
            "gate:check",
            "changes:read",
            "webhooks:manage",
            "operations:run",
            "operations:manage",
            "account:manage",
        ]
    ]
    networks: list[str] | UnsetType = UNSET
    expires_at: Instant | None | UnsetType = UNSET
    requests_per_second: int | None | UnsetType = UNSET


class KeyEditsBody(Body, frozen=True, kw_only=True, rename="camel"):
    """The changes to a key. A missing member keeps its value. Scopes cannot be changed: create another key."""

    label: str | UnsetType = UNSET
    networks: list[str] | UnsetType = UNSET
    expires_at: Instant | None | UnsetType = UNSET
    requests_per_second: int | None | UnsetType = UNSET


class KeyList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of keys, oldest first. On the last page, `more` is false and `nextCursor` is null."""

    keys: list[KeyShape]
    next_cursor: str | None
    more: bool


class KeyShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """An API key without its secret. `isCaller` marks the key that the request was sent with. `lastUsedAt` and `lastUsedFrom` are noted at most once an hour. `secret` is present only when the key is new."""

    secrets: ClassVar[frozenset[str]] = frozenset({"secret"})
    id: str
    label: str
    state: str
    scopes: list[str]
    networks: list[str]
    requests_per_second: int | None
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    replaced_by: str | None
    last_used_at: Instant | None
    last_used_from: str | None
    is_caller: bool
    secret: str | None = None


class LastChange(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The number of the account's last change, 0 before the first one, and the cursor after it."""

    number: int
    cursor: str


class LinkShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A link that works once. It is shown only in this answer."""

    secrets: ClassVar[frozenset[str]] = frozenset({"link"})
    link: str
    expires_at: Instant


class ListFaultShape(Record, frozen=True, kw_only=True, rename="camel"):
    """A name of a list that gives no vehicle of its own. `line` counts from 1."""

    line: int
    given: str
    reason: FaultReason
    detail: str


class LoggedDeliveryShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A delivery with its last attempts, newest first."""

    id: int
    message_id: str
    state: str
    attempt_count: int
    due_at: Instant | None
    settled_at: Instant | None
    event: Change
    attempts: list[AttemptShape]


class MemberBody(Body, frozen=True, kw_only=True, rename="camel"):
    """The role of a member."""

    role: Role


class MemberList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """All members of the account, by e-mail address."""

    members: list[MemberShape]


class MemberShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A member. `isShared` says that another account has the person too. Erased people have neither name nor address. `suspendedAt` says since when the person cannot enter this account, and `disabledAt` any account. `hasPassword` is false until the person has used the link."""

    id: str
    email: str | None
    name: str | None
    role: Role
    added_at: Instant
    suspended_at: Instant | None
    disabled_at: Instant | None
    has_password: bool
    is_shared: bool


class MergeBody(Body, frozen=True, kw_only=True, rename="camel"):
    """Which vehicle is kept, and its new values: from other vehicles, or given here. Its other values stay."""

    keep: int
    revisions: dict[str, str | int] | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    dry_run: bool | UnsetType = UNSET
    take: TakenValues | UnsetType = UNSET
    set: GivenValues | UnsetType = UNSET


class OperationBody(Body, frozen=True, kw_only=True, rename="camel"):
    """A kind of work: its description, how long a worker may keep a vehicle, and how often it can be claimed."""

    description: str
    lease_seconds: int
    attempts: int


class OperationList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """All operations of the account, by name."""

    operations: list[OperationShape]


class OperationShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A kind of work, as declared."""

    name: str
    description: str
    lease_seconds: int
    attempts: int
    created_at: Instant
    updated_at: Instant


class OutcomeCountsShape(Record, frozen=True, kw_only=True, rename="camel"):
    """How many vehicles have each outcome."""

    changed: int
    unchanged: int
    planned: int
    refused: int
    left: int


class PlannedChangeList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of planned changes. On the last page, `more` is false and `nextCursor` is null."""

    planned_changes: list[PlannedChangeShape]
    next_cursor: str | None
    more: bool


class PlannedChangeShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A change of status for a later instant, and its result. A `return` restores the status before the change with the number `reverts`. `state` leaves `pending` once. Then it is `executed`, `cancelled` by somebody, `lapsed` (for a return: somebody set another status first), or `refused` (the vehicle is gone, or several vehicles have its VIN)."""

    id: str
    vin: str
    kind: PlanKind
    vehicle_status_id: VehicleStatusId
    reason: str | None
    effective_at: Instant
    until: Instant | None
    reverts: int | None
    follows: str | None
    state: PlanState
    created_at: Instant
    created_by: str
    created_by_name: str | None
    request_id: str
    ended_at: Instant | None
    ended_by: str | None
    ended_by_name: str | None
    ended_request_id: str | None
    detail: str | None
    change_number: int | None


class PreviewColumnShape(Record, frozen=True, kw_only=True, rename="camel"):
    """One column. `column` is the field that it seems to be, and null for a column that would be left out. `confidence` is `chosen` (by a mapping), `sure` (a known name), `likely` (a similar name, or such cells) or `none`."""

    name: str
    column: str | None
    confidence: Confidence


class PreviewRowShape(Record, frozen=True, kw_only=True, rename="camel"):
    """The beginning of each cell of a row."""

    line: int
    cells: list[str]


class PreviewShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The beginning of a file. `before` has the rows up to the names. A workbook has `sheets`. `fingerprint` is the same for all files with the same names."""

    columns: list[PreviewColumnShape]
    rows: list[PreviewRowShape]
    before: list[PreviewRowShape]
    fingerprint: str
    sheets: list[str] | None = None
    sheet: str | None = None
    header_row: int | None = None


class ProblemShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """An error (RFC 9457). `errorType` and `errorDetail` are for programs, and `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    error_type: str
    error_detail: str


class ReasonTimeShape(Record, frozen=True, kw_only=True, rename="camel"):
    """Time for one reason; null where none was given."""

    reason: str | None
    seconds: int
    days: float


class RefusalList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of refusals, newest hour first. On the last page, `more` is false and `nextCursor` is null."""

    refusals: list[GateRefusalShape]
    next_cursor: str | None
    more: bool


class RepairAnswer(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The kept vehicle as it is now, and the vehicles that became former versions. `requestId` can be undone."""

    request_id: str
    dry_run: bool
    vehicle: DuplicateVehicle
    former: list[FormerShape]


class ReplayBody(Body, frozen=True, kw_only=True, rename="camel"):
    """Where to start again: after the change with this number, or at this cursor of the feed. 0 is the beginning."""

    after: int | str


class ResolveBody(Body, frozen=True, kw_only=True, rename="camel"):
    """Which vehicle is kept. With `dryRun` the answer is the same, but nothing is changed."""

    keep: int
    revisions: dict[str, str | int] | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    dry_run: bool | UnsetType = UNSET


class ResourceMetadataShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """Whose access tokens the server takes. The names are those of RFC 9728. `authorization_servers` are the issuers. A token is sent as `bearer_methods_supported` says."""

    resource: str
    authorization_servers: list[str] = field(name="authorization_servers")
    scopes_supported: list[str] = field(name="scopes_supported")
    bearer_methods_supported: list[str] = field(name="bearer_methods_supported")
    resource_name: str = field(name="resource_name")
    resource_documentation: str = field(name="resource_documentation")


class ResultAnswerList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The answers, in the order of the results."""

    results: list[ResultAnswerShape]


class ResultAnswerShape(Record, frozen=True, kw_only=True, rename="camel"):
    """The answer to one result: 200 with the state of its work, or the problem that refused it."""

    claim_id: str
    status: int
    state: WorkState | None = None
    type: str | None = None
    title: str | None = None
    detail: str | None = None
    error_type: str | None = None
    error_detail: str | None = None


class ResultList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of results. On the last page, `more` is false and `nextCursor` is null."""

    results: list[ResultShape]
    next_cursor: str | None
    more: bool


class ResultShape(Record, frozen=True, kw_only=True, rename="camel"):
    """A stored result. `by` is the id of the worker's API key."""

    claim_id: str
    run_id: str
    operation: str
    vin: str
    attempt: int
    outcome: Outcome
    result: Any
    at: Instant
    by: str
    by_name: str | None


class ResultsBody(Body, frozen=True, kw_only=True, rename="camel"):
    """The results of some claims."""

    results: list[GivenResultBody]


class RotateBody(Body, frozen=True, kw_only=True, rename="camel"):
    """How to replace a key. Without `expiresAt`, the new key is valid for as long as the old one was to be."""

    overlap_seconds: int | UnsetType = UNSET
    expires_at: Instant | None | UnsetType = UNSET


class RotatedKeyShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The new key with its secret, which key it replaces, and until when that one can be used."""

    secrets: ClassVar[frozenset[str]] = frozenset({"secret"})
    id: str
    label: str
    state: str
    scopes: list[str]
    networks: list[str]
    requests_per_second: int | None
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    replaced_by: str | None
    last_used_at: Instant | None
    last_used_from: str | None
    is_caller: bool
    secret: str | None = None
    replaces: str
    replaced_ends_at: Instant


class RunBody(Body, frozen=True, kw_only=True, rename="camel"):
    """Which vehicles to queue. Exactly one of: these VINs, the vehicles that match the filter, or all vehicles."""

    vins: list[str] | UnsetType = UNSET
    filter: VehicleFilter | UnsetType = UNSET
    all: bool | UnsetType = UNSET


class RunEntryShape(Record, frozen=True, kw_only=True, rename="camel"):
    """A run in the list of its operation. `vehicleCount` is the number of vehicles that were queued so far."""

    id: str
    operation: str
    queueing: bool
    created_at: Instant
    created_by: str
    created_by_name: str | None
    vehicle_count: int
    refused_count: int
    cancelled_at: Instant | None = None
    cancelled_by: str | None = None
    cancelled_by_name: str | None = None


class RunList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of runs, newest first. On the last page, `more` is false and `nextCursor` is null."""

    runs: list[RunEntryShape]
    next_cursor: str | None
    more: bool


class RunRefusalShape(Record, frozen=True, kw_only=True, rename="camel"):
    """A vehicle that was not queued, and why. For `notActive`, the status and its instant are present."""

    vin: str
    reason: RefusalReason
    vehicle_status_id: VehicleStatusId | None = None
    since: Instant | None = None


class RunShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The state of a run. `progress` is the share of its vehicles in a final state. It is 0 during queueing."""

    id: str
    run_id: str
    operation: str
    state: RunState
    created_at: Instant
    created_by: str
    created_by_name: str | None
    vehicle_count: int
    counts: CountsShape
    progress: float
    refused_count: int
    refused: list[RunRefusalShape]
    cancelled_at: Instant | None = None
    cancelled_by: str | None = None
    cancelled_by_name: str | None = None


class ScanShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The VINs in a picture. `barcodeCount` counts the barcodes without a VIN too."""

    vins: list[ScannedVinShape]
    barcode_count: int


class ScannedVinShape(Record, frozen=True, kw_only=True, rename="camel"):
    """A VIN in a picture. `symbology` is the kind of its barcode."""

    vin: str
    symbology: Symbology
    registered: bool
    warning: str | None = None


class SelectedVehicleShape(Record, frozen=True, kw_only=True, rename="camel"):
    """A vehicle of a selection as it was seen. `revision` is null if it was not current any more."""

    vin: str
    vehicle_status_id: VehicleStatusId
    revision: str | None
    outcome: SelectedOutcome | None
    detail: str | None


class SelectionBody(Body, frozen=True, kw_only=True, rename="camel"):
    """Which vehicles to select. Exactly one of: these vehicles, all that match a filter, a list, or all vehicles."""

    vehicles: list[ChosenVehicleShape] | UnsetType = UNSET
    filter: str | UnsetType = UNSET
    list_: str | UnsetType = UNSET
    all: bool | UnsetType = UNSET


class SelectionList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of selections, newest first. On the last page, `more` is false and `nextCursor` is null."""

    selections: list[SelectionShape]
    next_cursor: str | None
    more: bool


class SelectionPageShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A selection with a page of its vehicles, in the order of their registration, and its first list faults."""

    selection: SelectionShape
    vehicles: list[SelectedVehicleShape]
    faults: list[ListFaultShape]
    next_cursor: str | None
    more: bool


class SelectionPreviewShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """What a change would do. Send `digest` back to confirm it. `leavingOperations` and `enteringOperations` count the vehicles that operations may no longer touch, and those that they may touch again. `withdrawnWork` counts the queued and claimed work that would be withdrawn. Each list has the first 100 vehicles."""

    id: str
    digest: str
    counts: OutcomeCountsShape
    leaving_operations: int
    entering_operations: int
    withdrawn_work: int
    by_status: list[StatusCountShape]
    changed_count: int
    changed: list[ChangedVehicleShape]
    refused: list[ForeseenVehicle]
    vehicles: list[ForeseenVehicle]


class SelectionShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A selection. `requestId` names its changes in the history, and can be undone."""

    id: str
    state: SelectionState
    source: SelectionSource
    count: int
    fault_count: int
    digest: str
    created_at: Instant
    created_by: str
    created_by_name: str | None
    expires_at: Instant
    vehicle_status_id: VehicleStatusId | None
    reason: str | None
    effective_at: Instant | None
    until: Instant | None
    request_id: str | None
    applied_at: Instant | None
    applied_by: str | None
    applied_by_name: str | None
    ended_at: Instant | None
    counts: OutcomeCountsShape
    detail: str | None


class StatusBody(Body, frozen=True, kw_only=True, rename="camel"):
    """A vehicle's status from now on, or from `effectiveAt` on. At `until`, its earlier status is restored."""

    vehicle_status_id: VehicleStatusId
    reason: str | UnsetType = UNSET
    effective_at: Instant | UnsetType = UNSET
    until: Instant | UnsetType = UNSET


class StatusCountShape(Record, frozen=True, kw_only=True, rename="camel"):
    """How many vehicles have a status now."""

    vehicle_status_id: VehicleStatusId
    count: int


class StatusCounts(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The vehicles by status at the end of each day, oldest first. The last day ends now."""

    days: list[StatusDayShape]


class StatusDayShape(Record, frozen=True, kw_only=True, rename="camel"):
    """One day."""

    date: str
    vehicle_count: int
    operational_count: int
    statuses: list[DailyCountShape]


class StatusNameList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """All vehicle statuses."""

    vehicle_statuses: list[StatusNameShape]


class StatusNameShape(Record, frozen=True, kw_only=True, rename="camel"):
    """A vehicle status in both languages, and its meaning."""

    vehicle_status_id: VehicleStatusId
    name: str
    nombre: str
    meaning: str
    operational: bool
    settable: bool


class StatusTimeShape(Record, frozen=True, kw_only=True, rename="camel"):
    """Time in one status."""

    vehicle_status_id: VehicleStatusId
    name: str
    seconds: int
    days: float


class StrictGatesBody(Body, frozen=True, kw_only=True, rename="camel"):
    """Whether deactivations must wait for leases of local gates."""

    strict_gates: bool


class StrictGatesShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """Whether deactivations wait for leases of local gates. `ending`: still, but no lease is given or renewed."""

    strict_gates: StrictGates


class TakenValues(Body, frozen=True, kw_only=True, rename="camel"):
    """The vehicle to take each value from, by field. If it has no value, the value is removed."""

    vehicle_status_id: int | UnsetType = UNSET
    custom_id: int | UnsetType = UNSET
    plate: int | UnsetType = UNSET
    state_id: int | UnsetType = UNSET
    rfc_name: int | UnsetType = UNSET
    tax_identifier: int | UnsetType = UNSET
    lessor_name: int | UnsetType = UNSET
    brand_name: int | UnsetType = UNSET
    model_name: int | UnsetType = UNSET
    country: int | UnsetType = UNSET
    class_: int | UnsetType = UNSET
    type: int | UnsetType = UNSET
    doors: int | UnsetType = UNSET
    variation: int | UnsetType = UNSET
    cilinders: int | UnsetType = UNSET
    axes: int | UnsetType = UNSET
    vehicle_color: int | UnsetType = UNSET
    version: int | UnsetType = UNSET
    assembly_place: int | UnsetType = UNSET
    supplementary_data: int | UnsetType = UNSET
    registration_institution: int | UnsetType = UNSET
    plate_entity: int | UnsetType = UNSET
    registration_sheet: int | UnsetType = UNSET
    observations: int | UnsetType = UNSET
    owner_name: int | UnsetType = UNSET
    engine_number: int | UnsetType = UNSET
    legal_name: int | UnsetType = UNSET


class TimeReport(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of vehicles in order of registration; `total` is in the first page only."""

    from_: Instant
    to: Instant
    vehicles: list[VehicleTimeShape]
    next_cursor: str | None
    more: bool
    cursor: str
    total: TotalTimeShape | None = None


class TotalTimeShape(Record, frozen=True, kw_only=True, rename="camel"):
    """All vehicles that fit, the other pages' too: each figure is the sum of the vehicles' own."""

    vehicle_count: int
    seconds: int
    days: float
    statuses: list[StatusTimeShape]
    downtime: DowntimeShape


class TroubleShape(Record, frozen=True, kw_only=True, rename="camel"):
    """Something that is wrong with the register: `code` is for programs, and `detail` is for people."""

    code: str
    detail: str


class UndoAnswer(Record, frozen=True, kw_only=True, rename="camel"):
    """The result for one vehicle: its revision if something was undone, or why it was left as it is. A pending planned change of the request has its own answer: `cancelled`."""

    vin: str
    outcome: str
    revision: str | None = None
    planned_change_id: str | None = None
    left: LeftReason | None = None
    detail: str | None = None


class UndoAnswerList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The answers, in the order of the request's changes. `requestId` can be undone too."""

    request_id: str
    undone_request_id: str
    undone: int
    unchanged: int
    left: int
    cancelled: int
    results: list[UndoAnswer]


class UndoBody(Body, frozen=True, kw_only=True, rename="camel"):
    """Why a request is undone."""

    reason: str | UnsetType = UNSET


class UpsertBody(Body, frozen=True, kw_only=True, rename="camel"):
    """A vehicle to register or to update."""

    vehicle_info: VehicleInfo


class UpsertedInfo(Record, frozen=True, kw_only=True, rename="camel"):
    """The same values of the vehicle as it is now. A value from another call may exceed the limits of this call."""

    vin: str
    plate: str
    owner_name: str | None = None
    engine_number: str | None = None
    tax_identifier: str | None = None
    legal_name: str | None = None


class UpsertedVehicle(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The vehicle as it is now."""

    vehicle_info: UpsertedInfo


class Vehicle(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A vehicle: its status and all its values. Former versions have validFrom and validTo."""

    vin: str
    vehicle_status_id: VehicleStatusId
    operational: bool
    status_since: Instant
    created_at: Instant
    updated_at: Instant
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    custom_id: str | None = None
    plate: str | None = None
    state_id: int | None = None
    rfc_name: str | None = None
    tax_identifier: str | None = None
    lessor_name: str | None = None
    brand_name: str | None = None
    model_name: str | None = None
    country: str | None = None
    class_: str | None = None
    type: str | None = None
    doors: int | None = None
    variation: str | None = None
    cilinders: str | None = None
    axes: str | None = None
    vehicle_color: str | None = None
    version: str | None = None
    assembly_place: str | None = None
    supplementary_data: str | None = None
    registration_institution: str | None = None
    plate_entity: str | None = None
    registration_sheet: str | None = None
    observations: str | None = None
    owner_name: str | None = None
    engine_number: str | None = None
    legal_name: str | None = None


class VehicleBody(Body, frozen=True, kw_only=True, rename="camel"):
    """A vehicle's core data. A missing member keeps its value."""

    vin: str | UnsetType = UNSET
    custom_id: str | UnsetType = UNSET
    plate: str | UnsetType = UNSET
    state_id: int | str | UnsetType = UNSET
    rfc_name: str | UnsetType = UNSET
    tax_identifier: str | UnsetType = UNSET
    lessor_name: str | UnsetType = UNSET
    brand_name: str | UnsetType = UNSET
    model_name: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    class_: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    doors: int | str | UnsetType = UNSET
    variation: str | UnsetType = UNSET
    cilinders: str | UnsetType = UNSET
    axes: str | UnsetType = UNSET
    vehicle_color: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    assembly_place: str | UnsetType = UNSET
    supplementary_data: str | UnsetType = UNSET
    registration_institution: str | UnsetType = UNSET
    plate_entity: str | UnsetType = UNSET
    registration_sheet: str | UnsetType = UNSET
    observations: str | UnsetType = UNSET
    owner_name: str | UnsetType = UNSET
    engine_number: str | UnsetType = UNSET
    legal_name: str | UnsetType = UNSET


class VehicleCountShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The number of vehicles of a list. If `exact` is false, there are more than `count`, or as many."""

    count: int
    exact: bool


class VehicleDeleted(Record, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="vehicle.deleted"):
    """A vehicle was deleted. `operational` describes a vehicle that was registered with its VIN since, if any."""

    number: int
    vin: str
    at: Instant
    by: str
    by_name: str | None
    request_id: str
    operational: bool
    operational_changed: bool
    from_status_id: VehicleStatusId | None
    to_status_id: VehicleStatusId
    reason: str | None
    allowed: bool | None = None


class VehicleDeletedPayload(Record, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="vehicle.deleted"):
    """Tells that a vehicle was deleted."""

    timestamp: Instant
    data: VehicleDeleted


class VehicleErased(Record, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="vehicle.erased"):
    """Personal values were erased. `changeNumbers` are the changes that had them. Erase them in your copy too."""

    number: int
    vin: str
    at: Instant
    by: str
    by_name: str | None
    request_id: str
    operational: bool
    operational_changed: bool
    fields: list[str]
    change_numbers: list[int]
    reason: str | None
    allowed: bool | None = None


class VehicleErasedPayload(Record, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="vehicle.erased"):
    """Tells that personal values of a vehicle were erased."""

    timestamp: Instant
    data: VehicleErased


class VehicleFilter(Body, frozen=True, kw_only=True, rename="camel"):
    """Filters as in the list of vehicles: whole values, ignoring case. A vehicle must match all of them."""

    vin: str | UnsetType = UNSET
    asset_status_id: VehicleStatusId | UnsetType = UNSET
    custom_id: str | UnsetType = UNSET
    plate: str | UnsetType = UNSET
    state_id: int | UnsetType = UNSET
    rfc_name: str | UnsetType = UNSET
    tax_identifier: str | UnsetType = UNSET
    lessor_name: str | UnsetType = UNSET
    brand_name: str | UnsetType = UNSET
    model_name: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    class_: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    doors: int | UnsetType = UNSET
    variation: str | UnsetType = UNSET
    cilinders: str | UnsetType = UNSET
    axes: str | UnsetType = UNSET
    vehicle_color: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    assembly_place: str | UnsetType = UNSET
    supplementary_data: str | UnsetType = UNSET
    registration_institution: str | UnsetType = UNSET
    plate_entity: str | UnsetType = UNSET
    registration_sheet: str | UnsetType = UNSET
    observations: str | UnsetType = UNSET
    owner_name: str | UnsetType = UNSET


class VehicleInfo(Body, frozen=True, kw_only=True, rename="camel"):
    """The values of a vehicle that the upsert call reads and writes."""

    vin: str
    plate: str
    owner_name: str | UnsetType = UNSET
    engine_number: str | UnsetType = UNSET
    tax_identifier: str | UnsetType = UNSET
    legal_name: str | UnsetType = UNSET


class VehicleInfoChanged(
    Record, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="vehicle.info_changed"
):
    """Core data changed: the values that differ, null for none. `operational` says what the vehicle is now. If the VIN is among the values, `formerAllowed` is what the gate says of the former VIN now."""

    number: int
    vin: str
    at: Instant
    by: str
    by_name: str | None
    request_id: str
    operational: bool
    operational_changed: bool
    former: dict[str, str | int | None]
    current: dict[str, str | int | None]
    allowed: bool | None = None
    former_allowed: bool | None = None


class VehicleInfoChangedPayload(
    Record, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="vehicle.info_changed"
):
    """Tells that a vehicle's core data changed."""

    timestamp: Instant
    data: VehicleInfoChanged


class VehicleList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A page of vehicles. On the last page, `more` is false and `nextCursor` is null."""

    vehicles: list[Vehicle]
    next_cursor: str | None
    more: bool
    cursor: str | None = None


class VehicleRegistered(Record, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="vehicle.registered"):
    """A vehicle is new. `operational` says what it is now, `operationalChanged` what the change did."""

    number: int
    vin: str
    at: Instant
    by: str
    by_name: str | None
    request_id: str
    operational: bool
    operational_changed: bool
    to_status_id: VehicleStatusId
    allowed: bool | None = None


class VehicleRegisteredPayload(
    Record, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="vehicle.registered"
):
    """Tells that a vehicle is new."""

    timestamp: Instant
    data: VehicleRegistered


class VehicleStatusChanged(
    Record, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="vehicle.status_changed"
):
    """A status was set. `operational` says what the vehicle is now, `operationalChanged` what the change did."""

    number: int
    vin: str
    at: Instant
    by: str
    by_name: str | None
    request_id: str
    operational: bool
    operational_changed: bool
    from_status_id: VehicleStatusId | None
    to_status_id: VehicleStatusId
    reason: str | None
    allowed: bool | None = None


class VehicleStatusChangedPayload(
    Record, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="vehicle.status_changed"
):
    """Tells that a vehicle's status changed."""

    timestamp: Instant
    data: VehicleStatusChanged


class VehicleStatusShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A vehicle's status, its instant, its author and its reason."""

    vin: str
    vehicle_status_id: VehicleStatusId
    name: str
    operational: bool
    since: Instant
    changed_by: str
    changed_by_name: str | None
    reason: str | None


class VehicleTimeShape(Record, frozen=True, kw_only=True, rename="camel"):
    """One vehicle: the seconds are those of its existence in the period, and the sum of its statuses' seconds."""

    vin: str
    plate: str | None
    custom_id: str | None
    seconds: int
    days: float
    statuses: list[StatusTimeShape]
    downtime: DowntimeShape


class VerdictShape(Record, frozen=True, kw_only=True, rename="camel"):
    """Whether an operation may touch the vehicle. If not, `reason` says why. For `notActive`, the status and its instant are present."""

    vin: str
    allowed: bool
    reason: RefusalReason | None = None
    vehicle_status_id: VehicleStatusId | None = None
    since: Instant | None = None


class ViewBody(Body, frozen=True, kw_only=True, rename="camel"):
    """A view as it will be. `shared` and `accountDefault` are false when they are missing."""

    name: str
    query: str
    columns: list[str] | UnsetType = UNSET
    shared: bool | UnsetType = UNSET
    account_default: bool | UnsetType = UNSET


class ViewList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """The views."""

    views: list[ViewShape]


class ViewShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """A view. `by` is who made it."""

    id: str
    name: str
    query: str
    columns: list[str]
    shared: bool
    account_default: bool
    by: str
    by_name: str | None
    changed_at: Instant


class VinDetails(Record, frozen=True, kw_only=True, rename="camel"):
    """The facts in a well-formed VIN. A member that its characters do not show is missing."""

    vin: str
    check_digit: CheckDigitShape
    wmi: str
    model_years: list[int]
    region: str | None = None
    country: str | None = None
    maker: str | None = None


class VinFaultShape(Record, frozen=True, kw_only=True, rename="camel"):
    """One fault. `position` counts from 1, and is missing for a wrong length. `likely` was probably meant."""

    detail: str
    position: int | None = None
    likely: str | None = None


class VinShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """What a text says as a VIN: `details` if it is well-formed, or otherwise `faults` and perhaps `likely`."""

    vin: str
    well_formed: bool
    details: VinDetails | None = None
    faults: list[VinFaultShape] | None = None
    likely: VinDetails | None = None


class WebhookBody(Body, frozen=True, kw_only=True, rename="camel"):
    """A webhook endpoint to create."""

    url: str
    event_types: list[
        Literal[
            "vehicle.registered", "vehicle.info_changed", "vehicle.status_changed", "vehicle.erased", "vehicle.deleted"
        ]
    ]
    description: str | UnsetType = UNSET
    statuses_left: list[VehicleStatusId] | UnsetType = UNSET
    statuses_entered: list[VehicleStatusId] | UnsetType = UNSET


class WebhookEdits(Body, frozen=True, kw_only=True, rename="camel"):
    """The changes to an endpoint. A missing member keeps its value."""

    url: str | UnsetType = UNSET
    event_types: (
        list[
            Literal[
                "vehicle.registered",
                "vehicle.info_changed",
                "vehicle.status_changed",
                "vehicle.erased",
                "vehicle.deleted",
            ]
        ]
        | UnsetType
    ) = UNSET
    description: str | UnsetType = UNSET
    statuses_left: list[VehicleStatusId] | UnsetType = UNSET
    statuses_entered: list[VehicleStatusId] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class WebhookList(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """All endpoints of the account, oldest first."""

    webhooks: list[WebhookShape]


class WebhookShape(Answer, frozen=True, kw_only=True, rename="camel", dict=True):
    """An endpoint. `secret` is present only when it is new. `offReason` is null while it is switched on."""

    secrets: ClassVar[frozenset[str]] = frozenset({"secret"})
    id: str
    url: str
    description: str
    event_types: list[str]
    statuses_left: list[VehicleStatusId]
    statuses_entered: list[VehicleStatusId]
    enabled: bool
    off_reason: str | None
    off_detail: str | None
    off_at: Instant | None
    failing_since: Instant | None
    position: int
    created_at: Instant
    updated_at: Instant
    former_secret_until: Instant | None = None
    secret: str | None = None


class WebhookTestPayload(Record, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="webhook.test"):
    """Tells that a test was asked for."""

    timestamp: Instant
    data: WebhookTested


class WebhookTested(Record, frozen=True, kw_only=True, rename="camel"):
    """Somebody asked for a test of the endpoint."""

    webhook_id: str
    by: str
    by_name: str | None


class UnknownChange(Record, frozen=True, kw_only=True, tag_field="type", tag=""):
    """A change of a type that this version of the client does not know."""

    kind: str
    members: dict[str, Any]


Change = VehicleDeleted | VehicleErased | VehicleInfoChanged | VehicleRegistered | VehicleStatusChanged | UnknownChange
WebhookPayload = (
    VehicleRegisteredPayload
    | VehicleStatusChangedPayload
    | VehicleInfoChangedPayload
    | VehicleErasedPayload
    | VehicleDeletedPayload
    | WebhookTestPayload
)
SettableStatusId = VehicleStatusId

__all__ = [
    "AccountCountsShape",
    "AccountLimitsShape",
    "AccountShape",
    "ActList",
    "ActShape",
    "ActType",
    "ActorKind",
    "ActorShape",
    "AnswerShape",
    "ApplyBody",
    "AttemptShape",
    "BulkAnswer",
    "BulkAnswerList",
    "BulkMode",
    "BulkStatusBody",
    "BulkVehicle",
    "Change",
    "ChangeList",
    "ChangedVehicleShape",
    "CheckDigitShape",
    "ChosenVehicleShape",
    "ClaimBody",
    "ClaimList",
    "ClaimShape",
    "Confidence",
    "CorrectionBody",
    "CountsShape",
    "DailyCountShape",
    "DeletedVehicleShape",
    "DeletionList",
    "DeletionShape",
    "DeliveryList",
    "DeliveryShape",
    "DowntimeShape",
    "DuplicateGroupShape",
    "DuplicateList",
    "DuplicateVehicle",
    "ErasedVehicleShape",
    "ErasureBody",
    "ErasureShape",
    "FaultReason",
    "ForeseenVehicle",
    "FormerShape",
    "GateBody",
    "GateLeaseBody",
    "GateLeaseList",
    "GateLeaseShape",
    "GateList",
    "GateRefusalShape",
    "GateRenewalBody",
    "GateSingle",
    "GivenResultBody",
    "GivenValues",
    "GrantedLeaseShape",
    "HealthShape",
    "HistoryList",
    "HistoryShape",
    "ImportCountsShape",
    "ImportList",
    "ImportShape",
    "ImportState",
    "InvitationBody",
    "InvitationShape",
    "KeptFileShape",
    "KeptImportBody",
    "KeyBody",
    "KeyEditsBody",
    "KeyList",
    "KeyShape",
    "LastChange",
    "LeftReason",
    "LinkShape",
    "ListFaultShape",
    "LoggedDeliveryShape",
    "MemberBody",
    "MemberList",
    "MemberShape",
    "MergeBody",
    "OperationBody",
    "OperationList",
    "OperationShape",
    "Outcome",
    "OutcomeCountsShape",
    "PlanKind",
    "PlanState",
    "PlannedChangeList",
    "PlannedChangeShape",
    "PreviewColumnShape",
    "PreviewRowShape",
    "PreviewShape",
    "ProblemShape",
    "ReasonTimeShape",
    "RefusalList",
    "RefusalReason",
    "RepairAnswer",
    "ReplayBody",
    "ResolveBody",
    "ResourceMetadataShape",
    "ResultAnswerList",
    "ResultAnswerShape",
    "ResultList",
    "ResultShape",
    "ResultsBody",
    "Role",
    "RotateBody",
    "RotatedKeyShape",
    "RunBody",
    "RunEntryShape",
    "RunList",
    "RunRefusalShape",
    "RunShape",
    "RunState",
    "ScanShape",
    "ScannedVinShape",
    "SelectedOutcome",
    "SelectedVehicleShape",
    "SelectionBody",
    "SelectionList",
    "SelectionPageShape",
    "SelectionPreviewShape",
    "SelectionShape",
    "SelectionSource",
    "SelectionState",
    "SettableStatusId",
    "StatusBody",
    "StatusCountShape",
    "StatusCounts",
    "StatusDayShape",
    "StatusNameList",
    "StatusNameShape",
    "StatusTimeShape",
    "StrictGates",
    "StrictGatesBody",
    "StrictGatesShape",
    "Symbology",
    "TakenValues",
    "TimeReport",
    "TotalTimeShape",
    "TroubleShape",
    "UndoAnswer",
    "UndoAnswerList",
    "UndoBody",
    "UnknownChange",
    "UpsertBody",
    "UpsertedInfo",
    "UpsertedVehicle",
    "Vehicle",
    "VehicleBody",
    "VehicleCountShape",
    "VehicleDeleted",
    "VehicleDeletedPayload",
    "VehicleErased",
    "VehicleErasedPayload",
    "VehicleFilter",
    "VehicleInfo",
    "VehicleInfoChanged",
    "VehicleInfoChangedPayload",
    "VehicleList",
    "VehicleRegistered",
    "VehicleRegisteredPayload",
    "VehicleStatusChanged",
    "VehicleStatusChangedPayload",
    "VehicleStatusId",
    "VehicleStatusShape",
    "VehicleTimeShape",
    "VerdictShape",
    "ViewBody",
    "ViewList",
    "ViewShape",
    "VinDetails",
    "VinFaultShape",
    "VinShape",
    "WebhookBody",
    "WebhookEdits",
    "WebhookList",
    "WebhookPayload",
    "WebhookShape",
    "WebhookTestPayload",
    "WebhookTested",
    "WorkState",
]
