"""Saved views of the list of vehicles, and which one each person sees first."""

from typing import cast

from padron.domain.saved_view import SavedView
from padron.store.port import BoardPort, Columns, Row, ToInstant, WritePort

VIEW = Columns(
    "view_id", "name", "query", "shown_columns", "made_by", "is_shared", "is_default", "changed_at"
)  # fmt: skip
_BETWEEN = ","


class ViewBoard:
    """The committed views."""

    def __init__(self, port: BoardPort) -> None:
        self._port = port

    async def list_views(self, account_id: int, actor: str) -> list[SavedView]:
        """Give the views that an actor sees: the shared ones, and their own."""
        rows = await self._port.read_page("list_views", account_id, actor)
        return [_to_view(row, self._port.to_instant) for row in rows]

    async def find_choice(self, account_id: int, user_id: str) -> int | None:
        """Give what a person chose to see first, or None when they chose nothing."""
        rows = await self._port.read_point("find_chosen_view", account_id, user_id)
        return cast("int", rows[0][0]) if rows else None


class ViewTransaction:
    """Views in an open transaction. Whatever changes an account's views locks its members first."""

    def __init__(self, port: WritePort) -> None:
        self._port = port

    async def lock_views(self, account_id: int, actor: str) -> list[SavedView]:
        """Give the views that an actor sees. No other transaction can change the account's views meanwhile."""
        await self._port.fetch("lock_members", account_id)
        rows = await self._port.fetch("list_views", account_id, actor)
        return [_to_view(row, self._port.to_instant) for row in rows]

    async def save_view(self, account_id: int, view: SavedView) -> None:
        """Write a view, whether it is new or not. The default of an account replaces the former one."""
        if view.is_default:
            await self._port.fetch("clear_default_view", account_id)
        values = VIEW.order(
            {
                "view_id": view.view_id,
                "name": view.name,
                "query": view.query,
                "shown_columns": _BETWEEN.join(view.columns),
                "made_by": view.made_by,
                "is_shared": view.is_shared,
                "is_default": view.is_default,
                "changed_at": view.changed_at,
            }
        )
        await self._port.fetch("save_view", account_id, *values)

    async def delete_view(self, account_id: int, view_id: int) -> None:
        """Delete a view. Nobody sees it first any more."""
        await self._port.fetch("forget_choices", account_id, view_id, "")
        await self._port.fetch("delete_view", account_id, view_id)

    async def forget_choices_of_others(self, account_id: int, view_id: int, user_id: str) -> None:
        """Let nobody but one person see a view first, because the others do not see it any more."""
        await self._port.fetch("forget_choices", account_id, view_id, user_id)

    async def choose_view(self, account_id: int, user_id: str, view_id: int | None) -> None:
        """Keep what a person sees first; None: what the account's default is."""
        if view_id is None:
            await self._port.fetch("forget_choice", account_id, user_id)
        else:
            await self._port.fetch("choose_view", account_id, user_id, view_id)

    async def forget_member(self, account_id: int, user_id: str) -> None:
        """Remove what somebody who leaves an account kept for themselves. Shared views stay."""
        await self._port.fetch("delete_own_views", account_id, user_id)
        await self._port.fetch("forget_choice", account_id, user_id)

    async def forget_person(self, user_id: str) -> None:
        """Remove the same in all accounts."""
        await self._port.fetch("delete_own_views_everywhere", user_id)
        await self._port.fetch("forget_choices_everywhere", user_id)


def _to_view(row: Row, to_instant: ToInstant) -> SavedView:
    named = VIEW.name(row)
    return SavedView(
        view_id=named["view_id"],
        name=named["name"],
        query=named["query"],
        columns=tuple(one for one in named["shown_columns"].split(_BETWEEN) if one),
        made_by=named["made_by"],
        is_shared=bool(named["is_shared"]),
        is_default=bool(named["is_default"]),
        changed_at=to_instant(named["changed_at"]),
    )
