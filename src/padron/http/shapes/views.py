"""The JSON form of saved views."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from padron.domain.query import SORT_FIELDS
from padron.domain.saved_view import QUERY_LENGTH_MAX, VIEW_NAME_LENGTH_MAX, SavedView, format_view_id
from padron.http.shapes.vehicles import ActorName

_QueryText = Annotated[
    str,
    Meta(
        description="The query of `GET /api/v2/vehicles`: filters, `q`, `sort` and `limit`. Empty: all vehicles.",
        extra_json_schema={"maxLength": QUERY_LENGTH_MAX},
    ),
]
_ColumnNames = Annotated[
    list[str],
    Meta(
        description="The columns that the console shows beside the VIN. None: the usual ones.",
        extra_json_schema={"items": {"type": "string", "enum": list(SORT_FIELDS)}, "maxItems": len(SORT_FIELDS)},
    ),
]


class ViewBody(Struct, forbid_unknown_fields=True, rename="camel"):
    """A view as it will be. ``shared`` and ``accountDefault`` are false when they are missing."""

    name: Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": VIEW_NAME_LENGTH_MAX})]
    query: _QueryText
    columns: _ColumnNames = []
    shared: bool = False
    account_default: bool = False


class ViewShape(Struct, rename="camel"):
    """A view. ``by`` is who made it."""

    id: str
    name: str
    query: _QueryText
    columns: _ColumnNames
    shared: bool
    account_default: Annotated[bool, Meta(description="Members see it first who chose no other view.")]
    by: str
    by_name: ActorName
    changed_at: datetime


class ViewList(Struct, rename="camel"):
    """The views."""

    views: list[ViewShape]


def shape_saved_view(view: SavedView, names: Mapping[str, str]) -> ViewShape:
    """Give the JSON form of a view."""
    return ViewShape(
        id=format_view_id(view.view_id),
        name=view.name,
        query=view.query,
        columns=list(view.columns),
        shared=view.is_shared,
        account_default=view.is_default,
        by=view.made_by,
        by_name=names.get(view.made_by),
        changed_at=view.changed_at,
    )
