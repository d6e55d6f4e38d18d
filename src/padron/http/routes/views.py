"""Saved views of the list of vehicles."""

from padron.domain.account import Scope
from padron.domain.saved_view import OWN_VIEWS_MAX, SHARED_VIEWS_MAX, SavedView, format_view_id
from padron.http.answers import problems, view_problems
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Route, Success
from padron.http.reach import place
from padron.http.requests import queries
from padron.http.requests.bodies import read_json
from padron.http.shapes.views import ViewBody, ViewList, ViewShape, shape_saved_view
from padron.service.actors import name_actors
from padron.service.views import keeping, opening
from padron.service.views.keeping import ViewDraft


async def list_views(call: Call) -> Reply:
    """GET /api/v2/views."""
    queries.read_query(call, frozenset())
    seen = await opening.list_views(call.runtime, call.principal)
    names = await name_actors(call.runtime, call.principal.account_id, [view.made_by for view in seen.views])
    return build_json_reply(200, ViewList(views=[shape_saved_view(view, names) for view in seen.views]))


async def create_view(call: Call) -> Reply:
    """POST /api/v2/views."""
    made = await keeping.save_view(call.runtime, call.principal, await _read_draft(call))
    location = (b"location", place(f"{_PATH}/{format_view_id(made.view_id)}").encode())
    return build_json_reply(201, await _word(call, made), (location,))


async def get_view(call: Call) -> Reply:
    """GET /api/v2/views/{viewId}."""
    queries.read_query(call, frozenset())
    found = await opening.get_seen_view(call.runtime, call.principal, call.path_parameters["viewId"])
    return build_json_reply(200, await _word(call, found))


async def put_view(call: Call) -> Reply:
    """PUT /api/v2/views/{viewId}."""
    draft = await _read_draft(call)
    changed = await keeping.change_view(call.runtime, call.principal, call.path_parameters["viewId"], draft)
    return build_json_reply(200, await _word(call, changed))


async def delete_view(call: Call) -> Reply:
    """DELETE /api/v2/views/{viewId}."""
    await keeping.delete_view(call.runtime, call.principal, call.path_parameters["viewId"])
    return Reply(204)


async def _read_draft(call: Call) -> ViewDraft:
    body = await read_json(call, ViewBody)
    return ViewDraft(
        name=body.name,
        query=body.query,
        columns=body.columns,
        is_shared=body.shared,
        is_default=body.account_default,
    )


async def _word(call: Call, view: SavedView) -> ViewShape:
    return shape_saved_view(view, await name_actors(call.runtime, call.principal.account_id, [view.made_by]))


_PATH = "/api/v2/views"
_ONE = f"{_PATH}/{{viewId}}"
_ID = Parameter(
    name="viewId", place="path", required=True, description="The view's id.",
    schema={"type": "string", "pattern": "^[0-7][0-9a-f]{15}$"},
)  # fmt: skip
_BODY = (problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE)
_SAVED = (problems.BAD_PARAMETERS, view_problems.VIEW_EXISTS, view_problems.VIEW_LIMIT_REACHED, *_BODY)
_EXAMPLE = {"name": "To sell", "query": "assetStatusId=6&sort=-statusSince", "columns": ["plate"], "shared": True}

ROUTES: tuple[Route, ...] = (
    Route(
        name="listViews", method="GET", path=_PATH, tag="Views", summary="List saved views",
        description="The views of the list of vehicles that the account shares, by name. A person also gets their own.",
        endpoint=list_views, is_brief=True, scope=Scope.VEHICLES_READ,
        answers={200: Success(description="The views.", body=ViewList)},
        problems=(problems.BAD_PARAMETERS,),
    ),
    Route(
        name="createView", method="POST", path=_PATH, tag="Views", summary="Save a view",
        description=f"Keeps a query of the list under a name. An account shares at most {SHARED_VIEWS_MAX} views, and "
        f"a person keeps at most {OWN_VIEWS_MAX} besides. A shared view needs the scope `vehicles:write`, and "
        "`accountDefault` needs `vehicles:bulk`. A key shares its views: only a person can keep one for themselves.",
        endpoint=create_view, scope=Scope.VEHICLES_READ, body=ViewBody, body_example=_EXAMPLE,
        answers={201: Success(description="The view.", body=ViewShape, headers={"Location": "The view's address."})},
        problems=_SAVED,
    ),
    Route(
        name="getView", method="GET", path=_ONE, tag="Views", summary="Read a saved view",
        description="The view. Put its `query` behind `GET /api/v2/vehicles?` to read what it shows.",
        endpoint=get_view, is_brief=True, scope=Scope.VEHICLES_READ, parameters=(_ID,),
        answers={200: Success(description="The view.", body=ViewShape)},
        problems=(problems.BAD_PARAMETERS, view_problems.VIEW_NOT_FOUND),
    ),
    Route(
        name="putView", method="PUT", path=_ONE, tag="Views", summary="Save over a view",
        description="Replaces name, query, columns and sharing. A shared view that somebody else made needs the scope "
        "`vehicles:bulk`. Only who made it can take it back for themselves.",
        endpoint=put_view, scope=Scope.VEHICLES_READ, parameters=(_ID,), body=ViewBody, body_example=_EXAMPLE,
        answers={200: Success(description="The view as it is now.", body=ViewShape)},
        problems=(*_SAVED, view_problems.VIEW_NOT_FOUND),
    ),
    Route(
        name="deleteView", method="DELETE", path=_ONE, tag="Views", summary="Delete a saved view",
        description="Deletes the view for everybody. No vehicle is touched.",
        endpoint=delete_view, scope=Scope.VEHICLES_READ, parameters=(_ID,),
        answers={204: Success(description="It is deleted.")},
        problems=(view_problems.VIEW_NOT_FOUND,),
    ),
)  # fmt: skip
