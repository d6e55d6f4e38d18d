"""Declares operations, and finds them."""

from dataclasses import dataclass, replace

from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.operation import (
    ATTEMPTS_MAX,
    DESCRIPTION_LENGTH_MAX,
    LEASE_S_MAX,
    Operation,
    check_operation_name,
    check_range,
)
from padron.domain.vehicle import check_text
from padron.service.runtime import Runtime
from padron.store.base import WriteTransaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """The operation after the request, and whether it is new."""

    operation: Operation
    created: bool


async def put_operation(
    runtime: Runtime, principal: Principal, name: str, *, description: str, lease_s: int, attempts: int
) -> Declared:
    """Declare an operation, or change it. Current claims keep their lease.

    The same declaration again changes nothing. Raises ``forbidden``, ``bad_parameters``.
    """
    principal.check_scope(Scope.OPERATIONS_MANAGE)
    check_operation_name(name)
    check_text("description", description, DESCRIPTION_LENGTH_MAX, allowed="\n\r\t")
    check_range("leaseSeconds", lease_s, 1, LEASE_S_MAX)
    check_range("attempts", attempts, 1, ATTEMPTS_MAX)
    at = runtime.clock()
    asked = Operation(
        name=name, description=description, lease_s=lease_s, attempts_max=attempts, created_at=at, updated_at=at
    )

    async def work(transaction: WriteTransaction) -> Declared:
        operations = transaction.operations
        await operations.lock_declarer()
        known = {operation.name: operation for operation in await operations.list_operations()}
        before = known.get(name)
        if before is None and len(known) >= runtime.limits.operations:
            raise PadronError(
                Code.BAD_PARAMETERS, f"This account already has {runtime.limits.operations} operations, the maximum."
            )
        if before is not None and before == replace(asked, created_at=before.created_at, updated_at=before.updated_at):
            return Declared(operation=before, created=False)
        after = asked if before is None else replace(asked, created_at=before.created_at)
        await operations.save_operation(after)
        return Declared(operation=after, created=before is None)

    return await runtime.store.write(principal.account_id, work)


async def list_operations(runtime: Runtime, principal: Principal) -> list[Operation]:
    """Give the account's operations, by name. Raises ``forbidden``."""
    principal.check_scope(Scope.OPERATIONS_RUN)
    return await runtime.store.read(principal.account_id).operations.list_operations()


async def get_operation(runtime: Runtime, account_id: int, name: str) -> Operation:
    """Give an operation. Raises ``bad_parameters`` for an impossible name, and ``operation_not_found``."""
    check_operation_name(name)
    operation = await runtime.store.read(account_id).operations.find_operation(name)
    if operation is None:
        raise refuse_operation(name)
    return operation


def refuse_operation(name: str) -> PadronError:
    """Give the refusal for the name of an operation that does not exist."""
    return PadronError(Code.OPERATION_NOT_FOUND, f"The account has no operation {name}. Declare it first.")
