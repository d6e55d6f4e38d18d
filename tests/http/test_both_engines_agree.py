"""The same random requests on both engines give equal answers: status, headers that matter, and body."""

import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

from padron.domain.query import SORT_FIELDS
from padron.service.runtime import build_runtime
from padron.store import postgres, sqlite
from padron.store.base import Store
from tests import effort
from tests.cast import NOON, UNKNOWN_VIN, after, make_cast, make_vin
from tests.database import write
from tests.http.api import LIST, UPSERT, Api, Reply
from tests.http.conftest import run_api
from tests.postgres import Postgres

REPORT = "/api/v2/reports/time-in-status"
SEED = 20_261_103  # of the test's own, so that what the requests bring about is no matter of luck
STATUSES = {200, 201, 204, 304, 400, 403, 404, 409, 410, 412}
TEXTS = [
    "Ñandú",
    "ñandú",
    "Alfa",
    "alfa 2",
    "ZETA",
    "z",
    "_",
    "%",
    "Straße",
    "STRASSE",
    "\uff41",
    "\U0001f697",
    "",
    " x",
    "é",
    "e\u0301",
]
Request = tuple[str, str, str, str | None, dict[str, str]]


class SetClock:
    """A clock that stands still while a request is answered, so that both engines see the same instants."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def set_clock() -> SetClock:
    return SetClock()


# Cursors carry the epoch, which each register draws for itself.
ONE_EPOCH = "UPDATE register SET epoch = '0123abcd'"


async def open_api(store: Store, clock: SetClock) -> AsyncIterator[Api]:
    runtime = build_runtime(store, clock)
    async with run_api(runtime, await make_cast(runtime)) as api:
        yield api


@pytest.fixture(autouse=True)
def _same_request_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the same request ids in both: a cursor carries a mark of the request that made its change."""
    monkeypatch.setattr("padron.http.server.secrets", SimpleNamespace(token_hex=lambda size: "0" * 2 * size))


@pytest.fixture
async def on_sqlite(tmp_path: Path, set_clock: SetClock) -> AsyncIterator[Api]:
    path = str(tmp_path / "padron.db")
    sqlite.migrate(path)
    await write("sqlite", path, ONE_EPOCH)
    async for api in open_api(await sqlite.open_store(path), set_clock):
        yield api


@pytest.fixture
async def on_postgres(postgres_server: Postgres, set_clock: SetClock) -> AsyncIterator[Api]:
    url = await postgres_server.create_database()
    await write("postgres", url, ONE_EPOCH)
    async for api in open_api(await postgres.open_store(url), set_clock):
        yield api
    await postgres_server.drop_database(url)


class Requests:
    """Makes up requests that often meet: few vehicles, few plates, few values, ETags and cursors given before."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._vin = ""  # that of the last request
        self._etags: dict[str, list[str]] = {}  # by VIN, oldest first
        self._cursors: list[str] = []
        self.number = 0  # of the request, and the second of its instant

    def learn(self, target: str, reply: Reply) -> None:
        """Remember what the last request's answer gives to later ones."""
        if "etag" in reply.headers:
            self._etags.setdefault(self._vin, []).append(reply.headers["etag"])
        if reply.status == 200 and target.startswith(f"{LIST}?") and reply.body["nextCursor"] is not None:
            base = re.sub("&cursor=[^&]*", "", target)
            self._cursors.append(f"{base}&cursor={reply.body['nextCursor']}")

    def make(self) -> Request:
        pick = self._random.choice
        self._vin = vin = pick([*(make_vin(number) for number in range(7)), UNKNOWN_VIN])
        who = pick(["acme"] * 6 + ["beta", "gamma"])
        make: Callable[[str], tuple[str, str, object]] = pick(
            [
                *[self._patch] * 4,
                *[self._put] * 4,
                *[self._upsert] * 2,
                *[self._read] * 3,
                *[self._list] * 4,
                self._report,
            ]
        )
        method, target, body = make(vin)
        return who, method, target, None if body is None else json.dumps(body), self._condition(method, vin)

    def _condition(self, method: str, vin: str) -> dict[str, str]:
        pick, chance = self._random.choice, self._random.random()
        if chance < 0.1:
            return {pick(["If-Match", "If-None-Match"]): pick(["*", '"1"', '"2"', '"3"', "x"])}
        if chance < 0.4 and vin in self._etags:
            etags = self._etags[vin]
            return {"If-None-Match" if method == "GET" else "If-Match": pick([etags[-1], pick(etags)])}
        return {}

    def _patch(self, vin: str) -> tuple[str, str, object]:
        body = {"vehicleStatusId": self._random.randrange(-1, 11)}
        reason = {"reason": self._random.choice(TEXTS)} if self._random.random() < 0.4 else {}
        return "PATCH", f"{LIST}/{vin}/status", {**body, **reason}

    def _put(self, vin: str) -> tuple[str, str, object]:
        return "PUT", f"{LIST}/{vin}", self._values(["brandName", "ownerName", "class", "doors", "stateId", "plate"])

    def _upsert(self, vin: str) -> tuple[str, str, object]:
        values = self._values(["ownerName", "engineNumber", "legalName"])
        return "PUT", UPSERT, {"vehicleInfo": {"vin": vin, "plate": self._plate(), **values}}

    def _read(self, vin: str) -> tuple[str, str, object]:
        ways = ["", "", "/status", "/history", "/history?limit=2", f"?asOf={self._instant()}"]
        return "GET", f"{LIST}/{vin}{self._random.choice(ways)}", None

    def _report(self, _: str) -> tuple[str, str, object]:
        begin, end = self._instant(), self._instant()
        form = self._random.choice(["&format=csv", "&limit=2", "&doors=2"])
        return "GET", f"{REPORT}?from={begin}&to={end}{form}", None

    def _instant(self) -> str:
        """Give an instant of the past that has been asked about, or not: often enough the same one."""
        return after(self._random.randrange(max(self.number, 1)) // 50 * 50 - 0.5).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _list(self, vin: str) -> tuple[str, str, object]:
        pick, chance = self._random.choice, self._random.random
        if self._cursors and chance() < 0.3:
            return "GET", self._cursors.pop(), None
        query: dict[str, object] = {"limit": pick([1, 2, 3, 50])}
        if chance() < 0.8:
            query["sort"] = pick(["", "-"]) + pick(SORT_FIELDS)
        if chance() < 0.3:
            query["assetStatusId"] = pick([0, 1, 2, 2, 3])
        if chance() < 0.3:
            query |= {pick(["brandName", "ownerName"]): pick([text for text in TEXTS if text])}
        if chance() < 0.1:
            query["vin"] = vin.lower()
        if chance() < 0.3:
            query["asOf"] = self._instant()
        return "GET", f"{LIST}?{urlencode(query)}", None

    def _plate(self) -> str:
        return self._random.choice(["AAAA1", "aaaa1", "BBBB2", "CCCC3", "DDDD4", "EEEE5"])

    def _values(self, names: list[str]) -> dict[str, Any]:
        chosen = self._random.sample(names, self._random.randrange(1, len(names)))
        return {
            name: self._plate()
            if name == "plate"
            else self._random.choice(["", 0, 2, 30, 31])
            if name in {"doors", "stateId"}
            else self._random.choice(TEXTS)
            for name in chosen
        }


def normalise(reply: Reply, api: Api) -> tuple[int, str | None, str]:
    """Give what must be equal: without the ids of requests and keys, which are random."""
    text = reply.content.decode()
    for name in ("acme", "beta", "gamma"):
        text = text.replace(getattr(api, name).actor, name)
    text = re.sub(r'"(instance|requestId)":"[0-9a-f]{28}"', r'"\1":"-"', text)
    return reply.status, reply.headers.get("etag"), text


@pytest.mark.campaign
@pytest.mark.timeout(110)
async def test_both_engines_give_equal_answers(on_sqlite: Api, on_postgres: Api, set_clock: SetClock) -> None:
    requests = Requests(SEED)
    statuses = Counter[int]()
    for number in range(effort.BOTH_ENGINES_REQUESTS):
        set_clock.now, requests.number = after(number), number
        request = requests.make()
        who, method, target, content, headers = request
        one = await getattr(on_sqlite, who).send(method, target, content, headers)
        other = await getattr(on_postgres, who).send(method, target, content, headers)
        assert normalise(one, on_sqlite) == normalise(other, on_postgres), (number, request)
        statuses[one.status] += 1
        requests.learn(target, one)
    assert {*statuses} == STATUSES, statuses
    assert min(statuses.values()) >= effort.BOTH_ENGINES_REQUESTS / 500, statuses  # often enough to mean something
