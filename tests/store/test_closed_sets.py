"""What the domain counts up, the schema and the SQL know: each status, and which kinds of change set one."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from padron.domain.change import Change, ChangeType, keep_order
from padron.domain.people import Member, Role, User
from padron.domain.sessions import Invitation, InvitationPurpose, SignInEvent, SignInKind, SignInWay
from padron.domain.status import SETTABLE_STATUSES, VehicleStatus
from padron.store import base
from padron.store.base import Store
from padron.store.people.transaction import PeopleTransaction
from tests.cast import HUMMER, NOON, after, get_one, make_vehicle, registered, save, status_changed

FOLDER = Path(base.__file__).parent
_find_types = re.compile(r"type IN \(([^)]*)\)").findall


def list_setting_types() -> Iterator[str]:
    """Give the kinds of change after which a vehicle has its status since that change."""
    for kind in ChangeType:
        change = Change(type=kind, vehicle=make_vehicle(), at=NOON, by="Acme", request_id="r-1")
        keep_order([change], after(9))
        if change.vehicle.status_since == after(9):
            yield kind.value


async def test_each_status_that_can_be_set_fits_the_schema(store: Store, acme: int) -> None:
    await save(store, acme, registered(HUMMER))
    for number, status in enumerate(SETTABLE_STATUSES.values()):
        vehicle = await get_one(store, acme)
        await save(store, acme, status_changed(vehicle, status, at=after(number)))
        assert (await get_one(store, acme)).status is status
    assert [*SETTABLE_STATUSES.values()] == [one for one in VehicleStatus if one is not VehicleStatus.INFO_CHANGED]


def test_the_sql_names_each_kind_of_change_that_sets_a_status_or_each_other_one() -> None:
    files = [path for path in FOLDER.rglob("*") if path.suffix in {".sql", ".py"} and path.parent.name != "migrations"]
    lists = [(path, found) for path in files for found in _find_types(path.read_text("utf-8"))]
    assert len(lists) > 2
    for path, found in lists:
        setting = {*list_setting_types()}
        assert {word.strip(" '") for word in found.split(",")} in (setting, {*ChangeType} - setting), path


async def change_role(transaction: PeopleTransaction, account_id: int, user_id: str, role: Role) -> None:
    await transaction.change_member(account_id, user_id, role)


async def test_each_role_purpose_way_and_kind_fits_the_schema(store: Store, acme: int) -> None:
    user = User(
        user_id="uAAAAAAAAAAAA", email="a@b.example", name="Ana", language=None, time_zone=None, theme=None,
        is_break_glass=True, created_at=NOON, disabled_at=None, erased_at=None, password_changed_at=None,
    )  # fmt: skip

    async def write(transaction: PeopleTransaction) -> None:
        await transaction.add_user(user)
        await transaction.add_member(Member(account_id=acme, user_id=user.user_id, role=Role.VIEWER, added_at=NOON))
        for number, purpose in enumerate(InvitationPurpose):
            invitation = Invitation(
                user_id=user.user_id, purpose=purpose, created_by="cli", created_at=NOON, expires_at=after(9),
                used_at=None,
            )  # fmt: skip
            await transaction.add_invitation(bytes([number]), invitation)
        for kind in SignInKind:
            for way in (None, *SignInWay):
                event = SignInEvent(
                    actor=user.user_id, account_id=acme, kind=kind, way=way, at=NOON, address="", agent=""
                )  # fmt: skip
                await transaction.note_sign_in(event)

    await store.people.write(write)
    for role in Role:
        await store.people.write(partial(change_role, account_id=acme, user_id=user.user_id, role=role))
        (member,) = await store.people.list_members(acme)
        assert (member.role, member.user) == (role, user)
    events = await store.people.list_sign_ins_of_actor(user.user_id, 10_000, 100)
    assert {(one.event.kind, one.event.way) for one in events} == {
        (kind, way) for kind in SignInKind for way in (None, *SignInWay)
    }
