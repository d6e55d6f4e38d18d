"""The real program behind a proxy, below a path, and called from a web page: what it takes and what it gives out."""

from pathlib import Path

import pytest

from tests.e2e.client import Answer, Connection
from tests.e2e.program import make_fleets
from tests.e2e.secure import run_program

ROOT, ORIGIN = "/padron", "https://a.example"
OPTIONS = ("--forwarded-allow", "127.0.0.0/8", "--root-path", ROOT, "--cors-origins", ORIGIN)


async def send(connection: Connection, *lines: str, body: bytes = b"") -> Answer:
    await connection.send("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body)
    return await connection.read_answer()


@pytest.mark.long
async def test_a_server_behind_a_proxy_is_where_the_proxy_shows_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/p.db"
    (fleet,) = await make_fleets(url, accounts=1, vehicles=1)
    sent = ("Host: fleet.example", "X-Forwarded-Proto: https", "X-Forwarded-For: 203.0.113.5", "Connection: keep-alive")
    key, status = f"Authorization: Bearer {fleet.token}", f"/api/v2/vehicles/{fleet.vins[0]}/status"
    async with run_program(url, tmp_path, *OPTIONS) as program, program.connect() as connection:
        assert program.root_path == ROOT
        page = await send(connection, f"GET {ROOT}/docs HTTP/1.1", *sent)
        assert f'data-server="https://fleet.example{ROOT}"' in page.body.decode()
        for place, (root, value) in enumerate([(ROOT, 3), ("", 4), (ROOT, 1), ("", 3)]):  # known keys take a short way
            body = b'{"vehicleStatusId": %d}' % value
            changed = await send(connection, f"PATCH {root}{status} HTTP/1.1", *sent, key, body=body)
            assert (changed.status, place) == (204, place)
            read = await send(connection, f"GET {root}{status} HTTP/1.1", *sent, key, f"Origin: {ORIGIN}")
            assert read.document["vehicleStatusId"] == value
            assert read.headers["access-control-allow-origin"] == ORIGIN
        body = b'{"url": "https://receiver.example", "eventTypes": ["vehicle.status_changed"]}'
        created = await send(connection, "POST /api/v2/webhooks HTTP/1.1", *sent, key, body=body)
        assert (await send(connection, f"GET {created.headers['location']} HTTP/1.1", *sent, key)).status == 200
        asked = (f"Origin: {ORIGIN}", "Access-Control-Request-Method: PATCH")
        leave = await send(connection, f"OPTIONS {ROOT}{status} HTTP/1.1", *sent, *asked)
        assert (leave.status, leave.headers["access-control-allow-origin"]) == (204, ORIGIN)
        refused = await send(connection, f"PATCH {ROOT}{status} HTTP/1.1", *sent, key, body=b'{"vehicleStatusId": 2}')
        assert refused.document["type"] == f"{ROOT}/errors/bad-parameters"
        malformed = await send(connection, "GET /livez HTTP/1.1", "Host: a b")
        assert malformed.document["type"].startswith(f"{ROOT}/errors/")
