"""Saves, changes and deletes views, and keeps which one is shown first.

Whoever reads vehicles keeps views for themselves. Sharing one changes what all others find, so it needs the scope to
change vehicles. The views of others, and the account's default, need the scope to change many of them.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from padron.domain.account import Principal, Scope, is_user_id
from padron.domain.errors import Code, PadronError
from padron.domain.saved_view import ALL_VEHICLES, SavedView, check_view, get_view, make_view_id
from padron.service.runtime import Runtime
from padron.service.views.opening import check_columns, check_query
from padron.store.people.transaction import PeopleTransaction

_RANDOM_BITS = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewDraft:
    """What somebody wants a view to be."""

    name: str
    query: str
    columns: Sequence[str] = ()
    is_shared: bool = False
    is_default: bool = False  # of the account


def may_change(principal: Principal, view: SavedView) -> bool:
    """Say whether the principal may change a view that they see."""
    return all(scope.value in principal.scopes for scope in _list_scopes(principal, view))


async def save_view(runtime: Runtime, principal: Principal, draft: ViewDraft) -> SavedView:
    """Add a view. Raises ``forbidden``, ``bad_parameters``, ``view_exists`` and ``view_limit_reached``."""
    now = runtime.clock()
    begun = SavedView(
        view_id=make_view_id(now, secrets.randbits(_RANDOM_BITS)),
        name=draft.name,
        query="",
        columns=(),
        made_by=principal.actor,
        is_shared=draft.is_shared,
        is_default=draft.is_default,
        changed_at=now,
    )
    _check_scopes(principal, begun)
    new = _build(draft, begun)

    async def work(transaction: PeopleTransaction) -> SavedView:
        check_view(new, await _lock(transaction, principal))
        await transaction.views.save_view(principal.account_id, new)
        return new

    return await runtime.store.people.write(work)


async def change_view(runtime: Runtime, principal: Principal, view_id: str, draft: ViewDraft) -> SavedView:
    """Save over a view. Raises as ``save_view``, and ``view_not_found``."""
    principal.check_scope(Scope.VEHICLES_READ)
    now = runtime.clock()

    async def work(transaction: PeopleTransaction) -> SavedView:
        seen = await _lock(transaction, principal)
        before = get_view(seen, view_id)
        _check_scopes(principal, before, replace(before, is_shared=draft.is_shared, is_default=draft.is_default))
        changed = _build(draft, before)
        if before.is_shared and not changed.is_shared and not before.is_of(principal.actor):
            raise PadronError(Code.BAD_PARAMETERS, "Only who made a shared view can keep it for themselves again.")
        check_view(changed, seen)
        if changed == before:
            return before
        changed = replace(changed, changed_at=now)
        if before.is_shared and not changed.is_shared:
            await transaction.views.forget_choices_of_others(
                principal.account_id, before.view_id, principal.actor
            )  # fmt: skip
        await transaction.views.save_view(principal.account_id, changed)
        return changed

    return await runtime.store.people.write(work)


async def delete_view(runtime: Runtime, principal: Principal, view_id: str) -> None:
    """Delete a view. Raises ``forbidden`` and ``view_not_found``."""
    principal.check_scope(Scope.VEHICLES_READ)

    async def work(transaction: PeopleTransaction) -> None:
        found = get_view(await _lock(transaction, principal), view_id)
        _check_scopes(principal, found)
        await transaction.views.delete_view(principal.account_id, found.view_id)

    await runtime.store.people.write(work)


async def choose_first(runtime: Runtime, principal: Principal, view_id: str | None) -> None:
    """Keep which view a person sees first; an empty id means all vehicles, None the account's default.

    Raises ``view_not_found``, and ``bad_parameters`` for a key, which sees no pages.
    """
    principal.check_scope(Scope.VEHICLES_READ)
    if not is_user_id(principal.actor):
        raise PadronError(Code.BAD_PARAMETERS, "Only a person has a view that is shown first.")

    async def work(transaction: PeopleTransaction) -> None:
        seen = await _lock(transaction, principal)
        chosen = None if view_id is None else get_view(seen, view_id).view_id if view_id else ALL_VEHICLES
        await transaction.views.choose_view(principal.account_id, principal.actor, chosen)

    await runtime.store.people.write(work)


async def _lock(transaction: PeopleTransaction, principal: Principal) -> list[SavedView]:
    """Give the views that the principal sees, locked. Raises ``forbidden`` for somebody who has just left."""
    seen = await transaction.views.lock_views(principal.account_id, principal.actor)
    if is_user_id(principal.actor) and await transaction.find_member(principal.account_id, principal.actor) is None:
        raise PadronError(Code.FORBIDDEN, "You are not a member of this account any more.")
    return seen


def _check_scopes(principal: Principal, *views: SavedView) -> None:
    """Raise ``forbidden`` unless the principal may have a view as it was, and as it will be."""
    for view in views:
        for scope in _list_scopes(principal, view):
            principal.check_scope(scope)


def _list_scopes(principal: Principal, view: SavedView) -> list[Scope]:
    needed = [Scope.VEHICLES_READ]
    if view.is_shared:
        needed.append(Scope.VEHICLES_WRITE if view.is_of(principal.actor) else Scope.VEHICLES_BULK)
    if view.is_default:
        needed.append(Scope.VEHICLES_BULK)
    return needed


def _build(draft: ViewDraft, before: SavedView) -> SavedView:
    """Give a view as the draft says. Raises ``bad_parameters``."""
    if draft.is_default and not draft.is_shared:
        raise PadronError(Code.BAD_PARAMETERS, "The account's default must be a shared view.")
    return SavedView(
        view_id=before.view_id,
        name=draft.name,
        query=check_query(draft.query),
        columns=check_columns(draft.columns),
        made_by=before.made_by,
        is_shared=draft.is_shared,
        is_default=draft.is_default,
        changed_at=before.changed_at,
    )
