"""Every error from every path has one shape, and a page behind its type."""

import pytest

from padron.domain.errors import Code
from padron.http.answers.problems import ALL_PROBLEMS, PROBLEMS
from tests.cast import HUMMER, UNKNOWN_VIN
from tests.http.api import LIST, STATUS, UPSERT, VEHICLE, Api, Reply
from tests.tables import each_row

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
MEMBERS = ["type", "title", "status", "detail", "instance", "errorType", "errorDetail"]


async def check_problem(api: Api, reply: Reply) -> None:
    """Check that a reply has the shape of RFC 9457 and the contract's two names, and that its type leads to a page."""
    assert reply.headers["content-type"] == "application/problem+json"
    body = reply.body
    assert [*body] == MEMBERS
    assert body["status"] == reply.status >= 400
    assert body["instance"] == reply.headers["x-request-id"]
    assert body["detail"].endswith((".", "?"))
    assert body["detail"].isprintable()
    page = await api.nobody.get(body["type"])
    assert page.status == 200
    assert body["errorDetail"] in page.content.decode()


@on_sqlite
async def test_every_refusal_has_the_shape_of_rfc_9457_and_a_page_behind_its_type(api: Api) -> None:
    await api.keep_duplicates()
    await api.acme.register("3PADR000000000001", plate="AAAA1")
    replies = [
        await api.acme.patch_status("bad", 3),
        await api.acme.patch_status(HUMMER, 2),
        await api.nobody.get(STATUS),
        await api.nobody.send("GET", STATUS, headers={"Authorization": "Bearer x"}),
        await api.gamma.patch_status(),
        await api.acme.patch_status(UNKNOWN_VIN),
        await api.acme.get("/nothing/here"),
        await api.acme.send("POST", STATUS),
        await api.acme.patch_status(),
        await api.acme.put_vehicle(UNKNOWN_VIN, plate="AAAA1"),
        await api.acme.patch_status("3PADR000000000001", 3, If_Match='"9"'),
        await api.acme.send("PUT", UPSERT, "x" * 16_385),
        await api.acme.send("PUT", VEHICLE, "{}", {"Content-Type": "text/plain"}),
        await api.acme.get(f"{LIST}?colour=red"),
        await api.acme.get(f"{LIST}?{'x' * 2_048}"),
        await api.acme.send("GET", LIST, headers={f"X-{number}": "1" for number in range(65)}),
        await api.acme.send("GET", LIST, headers={"Host": "a b"}),
        await api.nobody.get("/errors/none"),
    ]
    statuses = {reply.status for reply in replies}
    assert statuses == {400, 401, 403, 404, 405, 409, 412, 413, 414, 415, 431}
    for reply in replies:
        await check_problem(api, reply)


def test_every_code_has_a_problem_and_every_problem_is_listed() -> None:
    assert {*PROBLEMS} == {*Code}
    assert {problem.slug for problem in PROBLEMS.values()} <= {problem.slug for problem in ALL_PROBLEMS}
    assert len({problem.slug for problem in ALL_PROBLEMS}) == len(ALL_PROBLEMS)


@each_row(
    "code, status, error_type, error_detail",
    [
        (Code.BAD_PARAMETERS, 400, "badRequest", "BadParameters"),
        (Code.UNAUTHORIZED, 401, "unauthorized", "Unauthorized"),
        (Code.INVALID_TOKEN, 401, "unauthorized", "Unauthorized"),
        (Code.FORBIDDEN, 403, "forbidden", "Forbidden"),
        (Code.VEHICLE_NOT_FOUND, 404, "notFound", "VehicleNotFound"),
        (Code.MULTIPLE_VEHICLES_FOUND, 409, "conflict", "MultipleVehiclesFound"),
        (Code.PLATE_IN_USE, 409, "conflict", "PlateInUse"),
        (Code.REVISION_MISMATCH, 412, "preconditionFailed", "RevisionMismatch"),
        (Code.OVERLOADED, 429, "tooManyRequests", "TooManyRequests"),
        (Code.STORE_UNAVAILABLE, 503, "serviceUnavailable", "StoreUnavailable"),
    ],
)
def test_the_documented_names_are_the_ones_that_are_used(
    code: Code, status: int, error_type: str, error_detail: str
) -> None:
    problem = PROBLEMS[code]
    assert (problem.status, problem.error_type, problem.error_detail) == (status, error_type, error_detail)


@on_sqlite
async def test_each_errors_page_says_what_it_means_and_what_to_do(api: Api) -> None:
    every = (await api.nobody.get("/errors")).content.decode()
    for problem in ALL_PROBLEMS:
        page = await api.nobody.get(problem.type)
        text = page.content.decode()
        assert page.status == 200, problem.type
        for part in (problem.title, problem.error_type, problem.error_detail, str(problem.status), problem.type):
            assert part in text
        assert f'href="{problem.type}"' in every


@on_sqlite
@each_row(
    "path",
    ["/index.html", "/api", "/api/v2", f"{VEHICLE}/", f"{STATUS}/", f"{LIST}/", "/API/v2/vehicles", "/api//v2/vehicles",
     f"/api/v2/vehicles/{HUMMER}%2Fstatus/x", "/api/v2/vehicles/", "/favicon.ico", "/docs/", "/.env", "/%00", "/ñ"],
)  # fmt: skip
async def test_an_unknown_path_is_404_in_our_shape_for_every_method(api: Api, path: str) -> None:
    for method in ("GET", "PATCH", "DELETE", "OPTIONS"):
        reply = await api.nobody.send(method, path)
        assert reply.code == (404, "PathNotFound"), method
        await check_problem(api, reply)


ALLOWED = {
    STATUS: "GET, HEAD, OPTIONS, PATCH",
    VEHICLE: "DELETE, GET, HEAD, OPTIONS, PUT",
    LIST: "GET, HEAD, OPTIONS",
    "/api/vehicles": "GET, HEAD, OPTIONS",
    UPSERT: "OPTIONS, PUT",
    "/api/v2/vehicle-statuses": "GET, HEAD, OPTIONS",
    f"{VEHICLE}/history": "GET, HEAD, OPTIONS",
    "/docs": "GET, HEAD, OPTIONS",
    "/livez": "GET, HEAD, OPTIONS",
}


@on_sqlite
@each_row("path", ALLOWED)
async def test_another_method_is_405_with_what_is_allowed_and_options_says_the_same(api: Api, path: str) -> None:
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY"} - {*ALLOWED[path].split(", ")}:
        reply = await api.nobody.send(method, path)
        assert (reply.status, reply.headers["allow"]) == (405, ALLOWED[path]), method
        if method != "HEAD":
            await check_problem(api, reply)
            assert method in reply.detail
    options = await api.nobody.send("OPTIONS", path)
    assert (options.status, options.content, options.headers["allow"]) == (204, b"", ALLOWED[path])


@on_sqlite
async def test_each_answer_carries_a_request_id_of_its_own(api: Api) -> None:
    replies = [await api.nobody.get(path) for path in ("/livez", "/docs", "/nothing", LIST)]
    ids = [reply.headers["x-request-id"] for reply in replies]
    assert len({*ids}) == 4
    assert all(text.isalnum() and len(text) == 28 for text in ids)


@on_sqlite
async def test_nothing_that_a_client_sends_becomes_the_request_id(api: Api) -> None:
    reply = await api.nobody.send("GET", "/livez", headers={"X-Request-Id": "mine"})
    assert reply.headers["x-request-id"] != "mine"
