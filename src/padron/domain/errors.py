"""Every way in which Padrón refuses a request: a code and a message. Knows neither HTTP nor a database."""

from enum import StrEnum


class Code(StrEnum):
    """What was wrong. The HTTP API and the command line each translate a code into their own form."""

    BAD_PARAMETERS = "bad_parameters"
    UNAUTHORIZED = "unauthorized"
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - the name of an error, not a secret
    FORBIDDEN = "forbidden"
    ACTOR_NOT_FOUND = "actor_not_found"
    VEHICLE_NOT_FOUND = "vehicle_not_found"
    MULTIPLE_VEHICLES_FOUND = "multiple_vehicles_found"
    NO_DUPLICATES = "no_duplicates"
    PLATE_IN_USE = "plate_in_use"
    VEHICLE_LIMIT_REACHED = "vehicle_limit_reached"
    REVISION_MISMATCH = "revision_mismatch"
    OPERATION_NOT_FOUND = "operation_not_found"
    RUN_NOT_FOUND = "run_not_found"
    RUN_ENDED = "run_ended"
    RUN_LIMIT_REACHED = "run_limit_reached"
    CLAIM_NOT_FOUND = "claim_not_found"
    CLAIM_WITHDRAWN = "claim_withdrawn"
    CLAIM_EXPIRED = "claim_expired"
    CLAIM_ANSWERED = "claim_answered"
    CURSOR_GONE = "cursor_gone"
    ARCHIVED = "archived"
    REQUEST_NOT_FOUND = "request_not_found"
    REQUEST_TOO_LARGE = "request_too_large"
    BATCH_REFUSED = "batch_refused"
    KEY_REUSED = "key_reused"
    KEY_IN_USE = "key_in_use"
    ANSWER_LOST = "answer_lost"
    IMPORT_NOT_FOUND = "import_not_found"
    IMPORT_ENDED = "import_ended"
    IMPORT_LIMIT_REACHED = "import_limit_reached"
    ACCOUNT_NOT_FOUND = "account_not_found"
    ACCOUNT_EXISTS = "account_exists"
    KEY_NOT_FOUND = "key_not_found"
    KEY_ENDED = "key_ended"
    KEY_LIMIT_REACHED = "key_limit_reached"
    WEBHOOK_NOT_FOUND = "webhook_not_found"
    WEBHOOK_LIMIT_REACHED = "webhook_limit_reached"
    DELIVERY_NOT_FOUND = "delivery_not_found"
    PLAN_NOT_FOUND = "plan_not_found"
    PLAN_ENDED = "plan_ended"
    NOTHING_TO_BRING_BACK = "nothing_to_bring_back"
    SELECTION_NOT_FOUND = "selection_not_found"
    SELECTION_ENDED = "selection_ended"
    SELECTION_CHANGED = "selection_changed"
    SELECTION_LIMIT_REACHED = "selection_limit_reached"
    VIEW_NOT_FOUND = "view_not_found"
    VIEW_EXISTS = "view_exists"
    VIEW_LIMIT_REACHED = "view_limit_reached"
    STRICT_GATES_OFF = "strict_gates_off"
    GATE_LEASE_NOT_FOUND = "gate_lease_not_found"
    TOO_MANY_GATE_LEASES = "too_many_gate_leases"
    USER_NOT_FOUND = "user_not_found"
    USER_EXISTS = "user_exists"
    LAST_OWNER = "last_owner"
    SIGN_IN_REFUSED = "sign_in_refused"
    SESSION_ENDED = "session_ended"
    INVITATION_ENDED = "invitation_ended"
    SECRET_KEY_MISSING = "secret_key_missing"  # noqa: S105 - the name of an error, not a secret
    SCANNING_UNAVAILABLE = "scanning_unavailable"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    STORE_UNAVAILABLE = "store_unavailable"
    OVERLOADED = "overloaded"
    RATE_EXCEEDED = "rate_exceeded"
    SERVER_FULL = "server_full"
    SCHEMA_MISMATCH = "schema_mismatch"


class PadronError(Exception):
    """A refusal of a request. The caller sees ``detail``: one sentence, at most two."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
