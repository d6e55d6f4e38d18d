"""PUT /api/v2/operations/{name} and GET /api/v2/operations."""

import pytest

from tests.http.api import Api, before_the_store
from tests.http.operations_api import DECLARATION, OPERATION, declare
from tests.tables import each_row

LIST = "/api/v2/operations"


async def test_an_operation_is_declared_changed_and_listed(api: Api) -> None:
    first = await api.acme.put(OPERATION, DECLARATION)
    assert first.status == 201
    assert {name: first.body[name] for name in DECLARATION} == DECLARATION
    assert first.body["name"] == "query-fines"
    changed = await api.acme.put(OPERATION, {**DECLARATION, "leaseSeconds": 90})
    assert (changed.status, changed.body["leaseSeconds"]) == (200, 90)
    assert changed.body["createdAt"] == first.body["createdAt"] < changed.body["updatedAt"]
    await declare(api.acme, f"{LIST}/check-insurance")
    listed = (await api.acme.get(LIST)).body["operations"]
    assert [one["name"] for one in listed] == ["check-insurance", "query-fines"]
    assert listed[1] == changed.body


@pytest.mark.long("postgres")
async def test_the_same_declaration_again_changes_nothing(api: Api) -> None:
    first = await api.acme.put(OPERATION, DECLARATION)
    again = await api.acme.put(OPERATION, DECLARATION)
    assert (again.status, again.body) == (200, first.body)


@before_the_store
@each_row("name", ["Fines", "query_fines", "-fines", "a" * 65, "caf%C3%A9", "a%20b", "a."])
async def test_a_bad_name_is_400(api: Api, name: str) -> None:
    assert (await api.acme.put(f"{LIST}/{name}", DECLARATION)).code == (400, "BadParameters")


@before_the_store
@each_row(
    "edit",
    [
        {"leaseSeconds": 0}, {"leaseSeconds": 86_401}, {"leaseSeconds": "60"}, {"attempts": 0}, {"attempts": 101},
        {"description": "x" * 501}, {"description": "\0"}, {"description": None}, {"other": 1},
    ],
)  # fmt: skip
async def test_a_value_out_of_range_is_400(api: Api, edit: dict[str, object]) -> None:
    assert (await api.acme.put(OPERATION, {**DECLARATION, **edit})).code == (400, "BadParameters")


@pytest.mark.long("postgres")
async def test_an_account_has_at_most_200_operations(api: Api) -> None:
    for number in range(200):
        await declare(api.acme, f"{LIST}/poll-{number}")
    assert (await api.acme.put(OPERATION, DECLARATION)).code == (400, "BadParameters")
    assert (await api.acme.put(f"{LIST}/poll-7", {**DECLARATION, "attempts": 9})).status == 200
    assert (await api.beta.put(OPERATION, DECLARATION)).status == 201


async def test_declaring_needs_its_scope_and_nobody_sees_anothers(api: Api) -> None:
    assert (await api.gamma.put(OPERATION, DECLARATION)).code == (403, "Forbidden")
    assert (await api.nobody.put(OPERATION, DECLARATION)).code == (401, "Unauthorized")
    assert (await api.gamma.get(LIST)).code == (403, "Forbidden")
    await declare(api.acme)
    assert (await api.beta.get(LIST)).body == {"operations": []}
    assert (await api.acme.get(f"{LIST}?x=1")).code == (400, "BadParameters")
