"""Operations: what the account declared, and declaring, changing and deleting one."""

from dataclasses import dataclass

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Fields, Pair
from padron.console.pages.work.rights import confirm_right
from padron.console.replies import redirect, show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.errors import Code, PadronError
from padron.domain.operation import (
    ATTEMPTS_MAX,
    DESCRIPTION_LENGTH_MAX,
    LEASE_S_MAX,
    Operation,
    check_operation_name,
    format_run_id,
)
from padron.domain.quoting import quote
from padron.domain.status import VehicleStatus, is_operational
from padron.mounting import MountedReply
from padron.service.operations.cancelling import delete_operation
from padron.service.operations.declaring import get_operation, list_operations, put_operation
from padron.service.operations.runs import list_runs

ROWS = 50

_LIST = "/console/operations"
_ONE = "/console/operations/{operation}"
_NEW = "/console/new-operation"  # an operation may have the name "new"
_BAD_REQUEST = 400
_LENGTH_MAX = 6
_SAVED = ("declared", "changed", "deleted", "cancelled")
_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.RUN_LIMIT_REACHED})


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedOperation:
    """The form of a declaration as it was typed."""

    name: str
    description: str
    lease: str
    attempts: str

    @classmethod
    def read(cls, fields: Fields) -> "TypedOperation":
        """Give what a form holds."""
        return cls(
            name=fields.get("name").strip(),
            description=fields.get("description").strip(),
            lease=fields.get("lease").strip(),
            attempts=fields.get("attempts").strip(),
        )

    @classmethod
    def of(cls, operation: Operation) -> "TypedOperation":
        """Give the form that shows an operation."""
        return cls(
            name=operation.name,
            description=operation.description,
            lease=str(operation.lease_s),
            attempts=str(operation.attempts_max),
        )


async def show_operations(visit: PageVisit) -> MountedReply:
    """GET /console/operations."""
    rows = await list_operations(visit.runtime, visit.principal)
    return show(visit, "operations.html", rows=rows, saved=give_saved(visit))


async def show_new(visit: PageVisit) -> MountedReply:
    """GET /console/new-operation."""
    return _show_new(visit, TypedOperation(name="", description="", lease="300", attempts="3"))


async def show_new_again(visit: PageVisit) -> MountedReply:
    """Give the form as it was typed before the session ended."""
    return _show_new(visit, TypedOperation.read(visit.form), note="sign_in.typed_again")


async def declare(visit: PageVisit) -> MountedReply:
    """POST /console/new-operation. A name that is taken is refused, so that nothing is changed unseen."""
    typed = TypedOperation.read(visit.form)
    try:
        check_operation_name(typed.name)
        await _check_free(visit, typed.name)
        await _put(visit, typed.name, typed)
    except PadronError as error:
        return _show_new(visit, typed, problem=explain(error))
    return redirect(visit, f"{_LIST}/{typed.name}", [Pair("saved", "declared")])


async def show_operation(visit: PageVisit) -> MountedReply:
    """GET /console/operations/{operation}."""
    return await show_one(visit)


async def change(visit: PageVisit) -> MountedReply:
    """POST /console/operations/{operation}."""
    operation, typed = await read_operation(visit), TypedOperation.read(visit.form)
    try:
        await _put(visit, operation.name, typed)
    except PadronError as error:
        return await show_one(visit, typed=typed, problem=explain(error))
    return redirect(visit, f"{_LIST}/{operation.name}", [Pair("saved", "changed")])


async def delete(visit: PageVisit) -> MountedReply:
    """POST /console/operations/{operation}/delete: cancel its runs, and delete its declaration."""
    operation = await read_operation(visit)
    confirm = confirm_right(visit, Scope.OPERATIONS_MANAGE)
    await delete_operation(visit.runtime, visit.principal, operation.name, confirm)
    return redirect(visit, _LIST, [Pair("saved", "deleted")])


async def read_operation(visit: PageVisit) -> Operation:
    """Give the operation of the address. Raises ``operation_not_found``, also for a name that none can have."""
    name = visit.parameters["operation"]
    try:
        return await get_operation(visit.runtime, visit.principal.account_id, name)
    except PadronError as error:
        if error.code is not Code.BAD_PARAMETERS:
            raise
        raise PadronError(Code.OPERATION_NOT_FOUND, error.detail) from None


async def show_one(visit: PageVisit, *, typed: TypedOperation | None = None, problem: str = "") -> MountedReply:
    """Give the page of an operation, perhaps with a form that was refused."""
    operation = await read_operation(visit)
    cursor = visit.query.get("cursor") or None
    runs = await list_runs(visit.runtime, visit.principal, operation.name, limit=ROWS, cursor=cursor)
    return show(
        visit,
        "operation.html",
        status=_BAD_REQUEST if problem else 200,
        operation=operation,
        typed=typed or TypedOperation.of(operation),
        run=visit.form,
        statuses=[status for status in VehicleStatus if is_operational(status)],
        rows=runs.rows,
        run_ids={run.run_id: format_run_id(run.run_id) for run in runs.rows},
        next_cursor=runs.next_cursor,
        is_first=cursor is None,
        lease_max=LEASE_S_MAX,
        attempts_max=ATTEMPTS_MAX,
        description_max=DESCRIPTION_LENGTH_MAX,
        saved=give_saved(visit),
        problem=problem,
    )


def give_saved(visit: PageVisit) -> str:
    """Give what the visitor has just done, if the address names something that can be done."""
    asked = visit.query.get("saved")
    return asked if asked in _SAVED else ""


def explain(error: PadronError) -> str:
    """Give the words of a refusal that belongs beside its form. Raises every other one again."""
    if error.code not in _EXPLAINED:
        raise error
    return error.detail


async def _check_free(visit: PageVisit, name: str) -> None:
    if name in {operation.name for operation in await list_operations(visit.runtime, visit.principal)}:
        raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("ops.taken", name=quote(name)))


async def _put(visit: PageVisit, name: str, typed: TypedOperation) -> None:
    await put_operation(
        visit.runtime,
        visit.principal,
        name,
        description=typed.description.replace("\r\n", "\n"),
        lease_s=_parse_number(visit, typed.lease),
        attempts=_parse_number(visit, typed.attempts),
    )


def _parse_number(visit: PageVisit, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > _LENGTH_MAX:
        raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("ops.bad_number", text=quote(text)))
    return int(text)


def _show_new(visit: PageVisit, typed: TypedOperation, *, problem: str = "", note: str = "") -> MountedReply:
    return show(
        visit,
        "operation-new.html",
        status=_BAD_REQUEST if problem else 200,
        typed=typed,
        lease_max=LEASE_S_MAX,
        attempts_max=ATTEMPTS_MAX,
        description_max=DESCRIPTION_LENGTH_MAX,
        problem=problem,
        note=note,
    )


ROUTES = (
    ConsoleRoute(method="GET", path=_LIST, endpoint=show_operations, scope=Scope.OPERATIONS_RUN),
    ConsoleRoute(method="GET", path=_NEW, endpoint=show_new, scope=Scope.OPERATIONS_MANAGE),
    ConsoleRoute(method="POST", path=_NEW, endpoint=declare, scope=Scope.OPERATIONS_MANAGE, show_again=show_new_again),
    ConsoleRoute(method="GET", path=_ONE, endpoint=show_operation, scope=Scope.OPERATIONS_RUN),
    ConsoleRoute(method="POST", path=_ONE, endpoint=change, scope=Scope.OPERATIONS_MANAGE),
    ConsoleRoute(method="POST", path=f"{_ONE}/delete", endpoint=delete, scope=Scope.OPERATIONS_MANAGE),
)
