"""How an address is taken apart: at its slashes first, and only then is each part decoded."""

import re

import pytest
from starlette.types import Message

from padron.http.declarations import Route
from padron.http.routes import ROUTES
from padron.http.routing import Paths
from tests.cast import HUMMER
from tests.http.api import VEHICLE, Api, before_the_store
from tests.tables import each_row

PART = re.compile(r"{\w+}")

# What a segment may hold that is trouble somewhere: separators, dots, encodings of encodings, bytes that are no text.
ODD = (
    "%2F", "%2f", "a%2Fb", "%2F..%2F", "..", ".", "%2e%2e", "%2E%2E%2F", "%25", "%252F", "%2525", "%", "%zz", "%4",
    ";", "a;b=c", "%3B", "%00", "%0A", "%0D%0A", "%20", "+", "%ff", "%C3%28", "%C0%AF", "%ED%A0%80",
    "%F4%90%80%80", "%E2%82", "%F0%9F%9A%97", "%5C", "..%5C", "@", ":", "%7B%7D", "{vin}", "'", "%22",
    "x" * 300, "9" * 40, "-1", "0", "*",
    "~", "$", "[", "%5B", "%EF%BC%8F", "%EF%BB%BF", "%C2%A0",
)  # fmt: skip

WITH_PARTS = [route for route in ROUTES if "{" in route.path]
# The first that reads and the first that writes what such a part names, where it is in the register.
FIRST_WITH_PARTS = [
    *{
        (tuple(PART.findall(route.path)), route.method == "GET"): route
        for route in WITH_PARTS[::-1]
        if not route.public
    }.values()
]


@before_the_store
@each_row("slash", ["%2F", "%2f"])
@each_row("rest", ["", "/status", "/history", "/results"])
async def test_an_encoded_slash_is_part_of_the_vin(api: Api, slash: str, rest: str) -> None:
    reply = await api.acme.get(f"/api/v2/vehicles/1M8{slash}GDM9AXKP042788{rest}")
    assert reply.code == (400, "BadParameters")
    assert "character 4 is '/'" in reply.detail


@pytest.mark.long("postgres")
async def test_an_encoded_slash_is_part_of_the_text_that_vin_help_explains(api: Api) -> None:
    reply = await api.acme.get("/api/v2/vins/1M8%2FGDM9AXKP042788")
    assert reply.status == 200
    assert reply.body["vin"] == "1M8/GDM9AXKP042788"
    assert reply.body["faults"][0]["position"] == 4


@pytest.mark.long("postgres")
async def test_an_encoded_slash_opens_no_other_address(api: Api) -> None:
    await api.acme.put_vehicle(HUMMER)
    for target in (f"/api/v2/vehicles/{HUMMER}%2Fstatus", f"/api/v2/vehicles%2F{HUMMER}", "/api%2Fv2/vehicles"):
        reply = await api.acme.send("PATCH", target, '{"vehicleStatusId": 3}')
        assert reply.status in {400, 404, 405}, target
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


@pytest.mark.long("postgres")
async def test_letters_that_need_no_encoding_may_be_encoded_all_the_same(api: Api) -> None:
    await api.acme.put_vehicle(HUMMER)
    assert (
        await api.acme.patch(f"/%61pi/v2/vehicle%73/%{ord(HUMMER[0]):x}{HUMMER[1:]}/st%61tus", {"vehicleStatusId": 3})
    ).status == 204


@pytest.mark.long("postgres")
@each_row("target", ["", "//", f"/{VEHICLE}", f"{VEHICLE}/", "/api/v2/vehicles//status", "/api/v2//vehicles"])
async def test_an_empty_part_leads_nowhere(api: Api, target: str) -> None:
    assert (await send_raw(api, "GET", target)) in {404, 307, 303}


@pytest.mark.long("postgres")
@pytest.mark.parametrize("target", ["/api/v2/vehicles/..", "/api/v2/vehicles/%2e%2e", "/api/v2/vehicles/x/../status"])
async def test_dots_climb_nowhere(api: Api, target: str) -> None:
    await api.acme.put_vehicle(HUMMER)
    assert (await send_raw(api, "GET", target)) in {400, 404}


@pytest.mark.parametrize(
    "route",
    [pytest.param(one, marks=() if one in FIRST_WITH_PARTS else pytest.mark.long) for one in WITH_PARTS],
    ids=lambda route: route.name,
)
async def test_whatever_a_part_holds_the_answer_is_no_failure_of_ours(api: Api, route: Route) -> None:
    head, _, tail = route.path.partition("{")
    _, _, rest = tail.partition("}")
    forms = (f"{head}{{odd}}{rest}", route.path.replace("{vin}", "{odd}").replace("{name}", "fines"))
    for target in dict.fromkeys(form.replace("{odd}", odd) for odd in ODD for form in forms):
        status = await send_raw(api, route.method, target.replace("{", "%7B").replace("}", "%7D"))
        assert status != 500, target


@pytest.mark.long("postgres")
async def test_a_fixed_name_goes_before_a_parameter_and_gives_way_to_it(api: Api) -> None:
    assert (await send_raw(api, "POST", "/api/v2/vehicles/status")) == 400
    assert (await send_raw(api, "GET", "/api/v2/vehicles/status")) == 405
    assert (await send_raw(api, "GET", "/api/v2/vehicles/status/status")) == 400  # a VIN that is none
    assert (await send_raw(api, "GET", "/api/v2/gate/refusals")) == 200


async def test_one_place_in_addresses_has_one_name() -> None:
    async def app(*_: object) -> None: ...

    with pytest.raises(ValueError, match="gives the parameter x a second name"):
        Paths({"/a/{x}": app, "/a/{y}/b": app}, app)


async def send_raw(api: Api, method: str, target: str) -> int:
    """Send a request whose target no client library has touched, and give the status."""
    status = 0
    sent: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        return sent.pop() if sent else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    assert api.acme.member is not None
    scope = {
        "type": "http", "method": method, "path": target, "raw_path": target.encode(), "query_string": b"",
        "headers": [(b"host", b"x"), (b"authorization", b"Bearer " + api.acme.member.token.encode())],
    }  # fmt: skip
    await api.acme.http.app(scope, receive, send)
    return status
