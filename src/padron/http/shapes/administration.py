"""The JSON form of what an account administers: its keys, its limits, and the record of what was done."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from padron.domain.account import KEY_LABEL_LENGTH_MAX, KEY_RATE_MAX, ApiKey, Scope
from padron.domain.addresses import NETWORKS_MAX
from padron.domain.administration import Act, ActType, Detail, Overview
from padron.domain.gate_leases import StrictGates
from padron.domain.instants import FUTURE_INSTANT_PATTERN
from padron.domain.limits import Limits
from padron.http.shapes.vehicles import ActorName
from padron.service.accounts import NewKey
from padron.service.administration.own_keys import OVERLAP_MAX

OVERLAP_S = 86_400

# Limits here are only for the document. The domain checks them, so the command line gives the same messages.
_Scope = Annotated[str, Meta(extra_json_schema={"enum": [scope.value for scope in Scope]})]
_Label = Annotated[
    str, Meta(description="A label, for people.", extra_json_schema={"minLength": 1, "maxLength": KEY_LABEL_LENGTH_MAX})
]
_Networks = Annotated[
    list[str],
    Meta(
        description="The only networks that the key may be used from, such as 192.0.2.0/24. None: from everywhere.",
        extra_json_schema={"maxItems": NETWORKS_MAX},
    ),
]
_Rate = Annotated[
    int | None,
    Meta(
        description="A rate of the key's own, below the server's, in each server process. Null means the server's.",
        extra_json_schema={"minimum": 1, "maximum": KEY_RATE_MAX},
    ),
]
_FutureInstant = Annotated[str, Meta(extra_json_schema={"format": "date-time", "pattern": FUTURE_INSTANT_PATTERN})]
_End = Annotated[
    _FutureInstant | None, Meta(description="A future instant from which on the key is refused. Null means never.")
]


class KeyBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """An API key to create."""

    label: _Label
    scopes: Annotated[list[_Scope], Meta(description="What it may do.", extra_json_schema={"minItems": 1})]
    networks: _Networks = []
    expires_at: _End = None
    requests_per_second: _Rate = None


class KeyEditsBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """The changes to a key. A missing member keeps its value. Scopes cannot be changed: create another key."""

    label: _Label | UnsetType = UNSET
    networks: _Networks | UnsetType = UNSET
    expires_at: _End | UnsetType = UNSET
    requests_per_second: _Rate | UnsetType = UNSET


class RotateBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """How to replace a key. Without ``expiresAt``, the new key is valid for as long as the old one was to be."""

    overlap_seconds: Annotated[
        int,
        Meta(
            description="How long the old key stays valid, unless it expires before. 0 ends it at once.",
            extra_json_schema={"minimum": 0, "maximum": OVERLAP_MAX // timedelta(seconds=1)},
        ),
    ] = OVERLAP_S
    expires_at: _End = None


class KeyShape(Struct, rename="camel", omit_defaults=True):
    """An API key without its secret. ``isCaller`` marks the key that the request was sent with.

    ``lastUsedAt`` and ``lastUsedFrom`` are noted at most once an hour. ``secret`` is present only when the key is new.
    """

    id: str
    label: str
    state: Literal["usable", "expired", "revoked"]
    scopes: list[str]
    networks: list[str]
    requests_per_second: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by: str | None
    last_used_at: datetime | None
    last_used_from: str | None
    is_caller: bool
    secret: str | UnsetType = UNSET


class RotatedKeyShape(KeyShape, rename="camel", omit_defaults=True, kw_only=True):
    """The new key with its secret, which key it replaces, and until when that one can be used."""

    replaces: str
    replaced_ends_at: datetime


class KeyList(Struct, rename="camel"):
    """A page of keys, oldest first. On the last page, ``more`` is false and ``nextCursor`` is null."""

    keys: list[KeyShape]
    next_cursor: str | None
    more: bool


class AccountCountsShape(Struct, rename="camel"):
    """How much the account has of what is limited: current vehicles, keys that can be used, webhooks, operations."""

    vehicles: int
    keys: int
    webhooks: int
    operations: int


class AccountLimitsShape(Struct, rename="camel"):
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


class AccountShape(Struct, rename="camel"):
    """The account of the key."""

    id: int
    name: str
    created_at: datetime
    counts: AccountCountsShape
    limits: AccountLimitsShape


class StrictGatesBody(Struct, rename="camel", forbid_unknown_fields=True):
    """Whether deactivations must wait for leases of local gates."""

    strict_gates: bool


class StrictGatesShape(Struct, rename="camel"):
    """Whether deactivations wait for leases of local gates. ``ending``: still, but no lease is given or renewed."""

    strict_gates: StrictGates


class ActShape(Struct, rename="camel", omit_defaults=True):
    """What was done, by whom and to what. ``subject`` is the id of a key or of the account.

    ``requestId`` is missing for what an operator did on the command line. ``details`` never has a secret.
    """

    number: int
    type: ActType
    at: datetime
    by: str
    by_name: ActorName
    subject: str
    details: dict[str, Detail]
    request_id: str | UnsetType = UNSET


class ActList(Struct, rename="camel"):
    """A page of acts, newest first. On the last page, ``more`` is false and ``nextCursor`` is null."""

    events: list[ActShape]
    next_cursor: str | None
    more: bool


def shape_key(key: ApiKey, caller: str, now: datetime) -> KeyShape:
    """Give the JSON form of a key for the caller with this actor."""
    return KeyShape(**_give_members(key, caller, now))  # type: ignore[arg-type]


def shape_new_key(new: NewKey, caller: str, now: datetime) -> KeyShape:
    """Give the JSON form of a new key, with its secret."""
    return KeyShape(**_give_members(new.key, caller, now), secret=new.token)  # type: ignore[arg-type]


def shape_rotated_key(new: NewKey, caller: str, now: datetime, replaces: str, ends_at: datetime) -> RotatedKeyShape:
    """Give the JSON form of a key that replaces another one, with its secret."""
    members = _give_members(new.key, caller, now)
    return RotatedKeyShape(**members, secret=new.token, replaces=replaces, replaced_ends_at=ends_at)  # type: ignore[arg-type]


def shape_account(overview: Overview, limits: Limits) -> AccountShape:
    """Give the JSON form of an account, its counts and the limits in force."""
    return AccountShape(
        id=overview.account_id,
        name=overview.name,
        created_at=overview.created_at,
        counts=AccountCountsShape(
            vehicles=overview.vehicle_count,
            keys=overview.key_count,
            webhooks=overview.webhook_count,
            operations=overview.operation_count,
        ),
        limits=shape_limits(limits),
    )


def shape_limits(limits: Limits) -> AccountLimitsShape:
    """Give the JSON form of the limits of one account and of one key."""
    in_force = asdict(limits)
    return AccountLimitsShape(**{name: in_force[name] for name in AccountLimitsShape.__struct_fields__})


def shape_act(act: Act, names: Mapping[str, str]) -> ActShape:
    """Give the JSON form of a recorded act, with the names of authors by their ids."""
    return ActShape(
        number=act.number,
        type=act.deed.type,
        at=act.at,
        by=act.by,
        by_name=names.get(act.by),
        subject=act.deed.subject,
        details=dict(act.deed.details),
        request_id=UNSET if act.request_id is None else act.request_id,
    )


def _give_members(key: ApiKey, caller: str, now: datetime) -> dict[str, object]:
    state = "revoked" if key.revoked_at is not None else "usable" if key.is_usable(now) else "expired"
    return {
        "id": key.key_id,
        "label": key.label,
        "state": state,
        "scopes": sorted(key.scopes),
        "networks": [str(network) for network in key.networks],
        "requests_per_second": key.requests_per_s,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "replaced_by": key.replaced_by,
        "last_used_at": key.last_used_at,
        "last_used_from": key.last_used_from,
        "is_caller": key.key_id == caller,
    }
