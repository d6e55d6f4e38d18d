"""The API as three clients see it: each call gives a Reply that is easy to compare."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from padron.domain.tags import parse_tag
from padron.service.runtime import Runtime
from padron.store.base import Store, WriteTransaction
from tests.cast import HUMMER, Cast, Member, registered
from tests.http.asgi import AsgiClient, Content

VEHICLE = f"/api/v2/vehicles/{HUMMER}"
STATUS = f"{VEHICLE}/status"
HISTORY = f"{VEHICLE}/history"
LIST = "/api/v2/vehicles"
UPSERT = "/api/upsert-vehicle-info"
CAR = {"plate": "RTA412C", "brandName": "Hummer", "modelName": "H1", "doors": 4, "ownerName": "Flota Norte"}

T = TypeVar("T")

# For what is refused while a request is read: no engine has a say in it, so a test needs one register alone.
before_the_store = pytest.mark.parametrize("engine", ["sqlite"])


def on_both(name: str, cases: Iterable[T], is_short: Callable[[T], bool]) -> pytest.MarkDecorator:
    """Run a table's rows on both engines. On PostgreSQL those rows are long that repeat what a short one tries."""
    rows = [*cases]
    long = pytest.mark.long
    on_postgres = [pytest.param("postgres", row, marks=() if is_short(row) else long) for row in rows]
    forms = [*(pytest.param("sqlite", row) for row in rows), *on_postgres]
    return pytest.mark.parametrize(f"engine, {name}", forms, ids=lambda value: getattr(value, "name", value))


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.content)

    @property
    def etag(self) -> str:
        return self.headers["etag"]

    @property
    def revision(self) -> int:
        """The number in the vehicle's ETag."""
        tag = parse_tag(self.etag.strip('"'))
        assert tag is not None, self.etag
        return tag.revision

    @property
    def detail(self) -> str:
        return str(self.body["detail"])

    @property
    def code(self) -> tuple[int, str]:
        """The status and the error's documented name."""
        return self.status, str(self.body["errorDetail"])

    def without(self, *members: str) -> tuple[int, dict[str, str], bytes]:
        """Give all of the reply, byte for byte, but these members of the body and the request's id."""
        headers = {name: value for name, value in self.headers.items() if name != "x-request-id"}
        content = self.content
        for member in members:
            content = content.replace(json.dumps(self.body[member]).encode(), b"-")
        return self.status, headers, content


class Client:
    """One caller."""

    def __init__(self, http: AsgiClient, member: Member | None = None) -> None:
        self.http = http
        self.member = member

    @property
    def actor(self) -> str:
        assert self.member is not None
        return self.member.principal.actor

    @property
    def actor_name(self) -> str:
        """What the API calls the caller in a record."""
        assert self.member is not None
        return f"key {self.member.label}"

    @property
    def account_id(self) -> int:
        assert self.member is not None
        return self.member.account.account_id

    async def send(
        self, method: str, target: str, content: Content = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        every = {} if self.member is None else {"Authorization": f"Bearer {self.member.token}"}
        pairs = {**every, **(headers or {})}.items()
        sent = [(name.encode(), value.encode("latin-1")) for name, value in pairs]
        answer = await self.http.request(method, target, content, sent)
        return Reply(status=answer.status, headers=answer.headers, content=answer.content)

    async def get(self, target: str, **headers: str) -> Reply:
        return await self.send("GET", target, headers=_name_headers(headers))

    async def put(self, target: str, body: object, **headers: str) -> Reply:
        return await self.send("PUT", target, json.dumps(body), _name_headers(headers))

    async def patch(self, target: str, body: object, **headers: str) -> Reply:
        return await self.send("PATCH", target, json.dumps(body), _name_headers(headers))

    async def register(self, vin: str = HUMMER, **values: str | int) -> Reply:
        """Register a vehicle that there is not yet, with the values of CAR unless others are given."""
        reply = await self.put(f"/api/v2/vehicles/{vin}", values or CAR)
        assert reply.status == 201, reply.content
        return reply

    async def put_vehicle(self, vin: str = HUMMER, **values: str | int) -> Reply:
        return await self.put(f"/api/v2/vehicles/{vin}", values)

    async def upsert(self, vin: str = HUMMER, plate: str = "RTA412C", **values: str | int) -> Reply:
        return await self.put(UPSERT, {"vehicleInfo": {"vin": vin, "plate": plate, **values}})

    async def patch_status(
        self, vin: str = HUMMER, status: int = 3, reason: str | None = None, **headers: str
    ) -> Reply:
        body = {"vehicleStatusId": status} if reason is None else {"vehicleStatusId": status, "reason": reason}
        return await self.patch(f"/api/v2/vehicles/{vin}/status", body, **headers)

    async def get_vehicle(self, vin: str = HUMMER) -> Any:  # noqa: ANN401 - JSON
        reply = await self.get(f"/api/v2/vehicles/{vin}")
        assert reply.status == 200, reply.content
        return reply.body

    async def list_history(self, vin: str = HUMMER) -> list[dict[str, Any]]:
        reply = await self.get(f"/api/v2/vehicles/{vin}/history?limit=500")
        assert reply.status == 200, reply.content
        entries: list[dict[str, Any]] = reply.body["history"]
        return entries

    async def list_vehicles(self, query: str = "", path: str = LIST) -> list[dict[str, Any]]:
        reply = await self.get(f"{path}?{query}" if query else path)
        assert reply.status == 200, reply.content
        vehicles: list[dict[str, Any]] = reply.body["vehicles"]
        return vehicles

    async def list_vins(self, query: str = "") -> list[str]:
        return [str(vehicle["vin"]) for vehicle in await self.list_vehicles(query)]


@dataclass(frozen=True, kw_only=True)
class Api:
    """Acme owns, Beta must see nothing, Gamma only reads Acme's, and nobody has no key."""

    acme: Client
    beta: Client
    gamma: Client
    nobody: Client
    runtime: Runtime
    cast: Cast

    @property
    def store(self) -> Store:
        return self.runtime.store

    async def keep_duplicates(self, vin: str = HUMMER, count: int = 2) -> None:
        """Give Acme several current vehicles with one VIN, as an import of legacy data may."""

        async def work(transaction: WriteTransaction) -> None:
            await transaction.save_changes([registered(vin, slot=slot) for slot in range(count)])

        await self.store.write(self.acme.account_id, work)


def _name_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
