"""POST /api/v2/operations/{name}/claims/results: what is stored, what is refused, and what comes after."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.cast import HUMMER
from tests.conftest import Select, SteppedClock
from tests.http.api import Api, before_the_store, on_both
from tests.http.asgi import Content
from tests.http.operations_api import (
    OPERATION,
    RESULTS,
    RUNS,
    answer,
    claim,
    claim_hummer,
    declare,
    get_run,
    post,
    register_fleet,
    start,
)
from tests.tables import each_row

COUNT_RESULTS = "SELECT count(*) FROM results"


async def test_a_result_is_stored_and_the_work_is_done(api: Api) -> None:
    claimed = await claim_hummer(api)
    reply = await answer(api.acme, claimed["claimId"], {"fines": [{"amount": 12.50}]})
    assert reply.status == 200
    assert reply.body == {"results": [{"claimId": claimed["claimId"], "status": 200, "state": "succeeded"}]}
    run = await get_run(api.acme, claimed["runId"])
    assert (run["state"], run["counts"]["succeeded"], run["progress"]) == ("finished", 1, 1)
    assert await claim(api.acme) == []


async def test_a_result_for_a_withdrawn_claim_is_409_and_not_stored(api: Api, select: Select) -> None:
    claimed = await claim_hummer(api)
    assert (await api.acme.patch_status(HUMMER, 3)).status == 204
    reply = await answer(api.acme, claimed["claimId"], {"fines": []})
    assert reply.code == (409, "ClaimWithdrawn")
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.body["results"][0]["errorDetail"] == "ClaimWithdrawn"
    assert await select(COUNT_RESULTS) == [(0,)]
    assert (await get_run(api.acme, claimed["runId"]))["counts"]["withdrawn"] == 1


@pytest.mark.long("postgres")
async def test_reactivation_brings_nothing_back(api: Api, select: Select) -> None:
    claimed = await claim_hummer(api)
    await start(api.acme)
    for status in (4, 1):
        assert (await api.acme.patch_status(HUMMER, status)).status == 204
    assert await claim(api.acme, 10) == []
    assert (await answer(api.acme, claimed["claimId"])).code == (409, "ClaimWithdrawn")
    assert await select(COUNT_RESULTS) == [(0,)]
    await start(api.acme)
    assert [one["vin"] for one in await claim(api.acme, 10)] == [HUMMER]


async def test_the_same_result_again_is_200_and_stored_once(api: Api, select: Select) -> None:
    claimed = await claim_hummer(api)
    first = await answer(api.acme, claimed["claimId"], {"fines": 3})
    again = await answer(api.acme, claimed["claimId"], {"fines": 3})
    assert first.status == again.status == 200
    assert first.body == again.body
    assert await select(COUNT_RESULTS) == [(1,)]


@pytest.mark.long("postgres")
async def test_a_repeated_result_stays_200_after_the_vehicle_was_deactivated(api: Api) -> None:
    claimed = await claim_hummer(api)
    await answer(api.acme, claimed["claimId"], 1)
    await api.acme.patch_status(HUMMER, 3)
    assert (await answer(api.acme, claimed["claimId"], 1)).status == 200


@pytest.mark.long("postgres")
async def test_a_result_twice_in_one_request_is_stored_once(api: Api, select: Select) -> None:
    claimed = await claim_hummer(api)
    one = {"claimId": claimed["claimId"], "outcome": "succeeded", "result": 1}
    reply = await post(api.acme, RESULTS, {"results": [one, one, {**one, "result": 2}]})
    assert [each["status"] for each in reply.body["results"]] == [200, 200, 409]
    assert await select(COUNT_RESULTS) == [(1,)]


async def test_another_result_than_the_first_is_refused_and_the_first_stays(api: Api, select: Select) -> None:
    claimed = await claim_hummer(api)
    await answer(api.acme, claimed["claimId"], 1)
    assert (await answer(api.acme, claimed["claimId"], 2)).code == (409, "ClaimAnswered")
    assert (await answer(api.acme, claimed["claimId"], 1, "failed")).code == (409, "ClaimAnswered")
    assert await select("SELECT outcome, result FROM results") == [("succeeded", "1")]


async def test_a_failure_with_attempts_left_is_queued_again_and_the_last_one_is_the_end(api: Api) -> None:
    claimed = await claim_hummer(api, attempts=2)
    first = await answer(api.acme, claimed["claimId"], "timeout", "failed")
    assert first.body["results"][0]["state"] == "queued"
    (again,) = await claim(api.acme)
    assert (again["vin"], again["attempt"]) == (HUMMER, 2)
    second = await answer(api.acme, again["claimId"], "timeout", "failed")
    assert second.body["results"][0]["state"] == "failed"
    assert await claim(api.acme) == []
    stored = await api.acme.get(f"{RUNS}/{claimed['runId']}/results")
    assert [(one["attempt"], one["outcome"]) for one in stored.body["results"]] == [(1, "failed"), (2, "failed")]


@pytest.mark.long("postgres")
async def test_a_result_after_the_lease_is_taken_while_nobody_else_was_handed_the_vehicle(
    api: Api, clock: SteppedClock
) -> None:
    claimed = await claim_hummer(api, leaseSeconds=60)
    clock.now += timedelta(seconds=3_600)
    assert (await answer(api.acme, claimed["claimId"], 1)).status == 200
    assert await claim(api.acme) == []


async def test_a_result_after_the_vehicle_was_handed_out_again_is_409(api: Api, clock: SteppedClock) -> None:
    late = await claim_hummer(api, leaseSeconds=60)
    clock.now += timedelta(seconds=61)
    (again,) = await claim(api.acme)
    assert again["attempt"] == 2
    assert (await answer(api.acme, late["claimId"], 1)).code == (409, "ClaimExpired")
    assert (await answer(api.acme, again["claimId"], 2)).status == 200


@pytest.mark.long("postgres")
async def test_a_late_result_for_exhausted_work_is_taken(api: Api, clock: SteppedClock) -> None:
    claimed = await claim_hummer(api, leaseSeconds=60, attempts=1)
    clock.now += timedelta(seconds=61)
    assert await claim(api.acme) == []
    assert (await get_run(api.acme, claimed["runId"]))["counts"]["exhausted"] == 1
    assert (await answer(api.acme, claimed["claimId"], 1)).body["results"][0]["state"] == "succeeded"


async def test_a_late_result_for_exhausted_work_is_refused_once_the_vehicle_was_deactivated(
    api: Api, clock: SteppedClock, select: Select
) -> None:
    claimed = await claim_hummer(api, leaseSeconds=60, attempts=1)
    clock.now += timedelta(seconds=61)
    assert await claim(api.acme) == []
    await api.acme.patch_status(HUMMER, 3)
    assert (await answer(api.acme, claimed["claimId"], 1)).code == (409, "ClaimWithdrawn")
    await api.acme.patch_status(HUMMER, 1)
    assert (await answer(api.acme, claimed["claimId"], 1)).code == (409, "ClaimWithdrawn")
    assert (await get_run(api.acme, claimed["runId"]))["counts"]["withdrawn"] == 1
    assert await select(COUNT_RESULTS) == [(0,)]


@pytest.mark.long("postgres")
async def test_each_result_is_answered_for_itself_in_order(api: Api) -> None:
    await declare(api.acme)
    vins = await register_fleet(api, 3)
    await start(api.acme)
    claims = await claim(api.acme, 3)
    await api.acme.patch_status(vins[1], 8)
    given = [{"claimId": one["claimId"], "outcome": "succeeded"} for one in claims]
    unknown = {"claimId": "0" * 16 + "-1-1", "outcome": "succeeded"}
    bad = {"claimId": "mine", "outcome": "failed"}
    reply = await post(api.acme, RESULTS, {"results": [*given, unknown, bad]})
    assert reply.status == 200
    assert [(one["claimId"], one["status"]) for one in reply.body["results"]] == [
        (claims[0]["claimId"], 200),
        (claims[1]["claimId"], 409),
        (claims[2]["claimId"], 200),
        (unknown["claimId"], 404),
        ("mine", 404),
    ]


@pytest.mark.long("postgres")
async def test_a_claim_of_another_account_or_another_operation_is_none(api: Api) -> None:
    claimed = await claim_hummer(api)
    await declare(api.beta)
    await declare(api.acme, "/api/v2/operations/poll-tracker")
    stranger = await answer(api.beta, claimed["claimId"], 1)
    assert stranger.code == (404, "ClaimNotFound")
    body = {"results": [{"claimId": claimed["claimId"], "outcome": "succeeded"}]}
    other = await post(api.acme, "/api/v2/operations/poll-tracker/claims/results", body)
    assert other.code == (404, "ClaimNotFound")
    assert (await answer(api.acme, claimed["claimId"], 1)).status == 200


@on_both(
    "result",
    [
        "null",
        "0",
        "-1.50",
        "1e3",
        '"text"',
        '"\\u0000 \\ud83d\\ude97"',
        "[]",
        '{"a": [1, {"b": null}]}',
        "12345678901234567890123",
    ],
    lambda result: result in {"null", "1e3"},
)
async def test_any_json_is_kept_as_it_was_given(api: Api, result: str) -> None:
    claimed = await claim_hummer(api)
    content = f'{{"results": [{{"claimId": "{claimed["claimId"]}", "outcome": "succeeded", "result": {result}}}]}}'
    assert (await api.acme.send("POST", RESULTS, content)).status == 200
    stored = await api.acme.get(f"{RUNS}/{claimed['runId']}/results")
    assert f'"result":{result},'.encode() in stored.content
    assert stored.body["results"][0]["result"] == json.loads(result)


@pytest.mark.long("postgres")
async def test_a_result_may_have_64_kb_and_no_more(api: Api, select: Select) -> None:
    claimed = await claim_hummer(api)
    assert (await answer(api.acme, claimed["claimId"], "x" * 65_535)).code == (400, "BadParameters")
    assert await select(COUNT_RESULTS) == [(0,)]
    assert (await answer(api.acme, claimed["claimId"], "x" * 65_534)).status == 200


@before_the_store
@each_row(
    "content",
    [
        "", "{}", '{"results": []}', '{"results": [{}]}', '{"results": [{"claimId": "x"}]}',
        '{"results": [{"claimId": "x", "outcome": "done"}]}',
        '{"results": [{"claimId": "x", "outcome": "failed", "result": {"a": 1, "a": 2}}]}',
        '{"results": [{"claimId": "x", "outcome": "failed", "result": NaN}]}',
        b'{"results": [{"claimId": "x", "outcome": "failed", "result": "\xff"}]}',
        '{"results": [{"claimId": "x", "outcome": "failed", "result": ' + "[" * 100_000 + "]" * 100_000 + "}]}",
        '{"results": [{"claimId": "x", "outcome": "failed", "other": 1}]}',
        json.dumps({"results": [{"claimId": "x", "outcome": "failed"}] * 501}),
    ],
)  # fmt: skip
async def test_what_is_malformed_is_400(api: Api, content: Content) -> None:
    await declare(api.acme)
    reply = await api.acme.send("POST", RESULTS, content)
    assert reply.code == (400, "BadParameters")


@pytest.mark.long("postgres")
async def test_a_body_over_a_megabyte_is_413(api: Api) -> None:
    await declare(api.acme)
    assert (await api.acme.send("POST", RESULTS, " " * 1_000_001)).status == 413


@pytest.mark.long("postgres")
async def test_the_scope_is_needed_and_the_operation_must_exist(api: Api) -> None:
    body: dict[str, Any] = {"results": [{"claimId": "x", "outcome": "failed"}]}
    assert (await post(api.gamma, RESULTS, body)).code == (403, "Forbidden")
    assert (await post(api.nobody, RESULTS, body)).code == (401, "Unauthorized")
    assert (await post(api.acme, RESULTS, body)).code == (404, "OperationNotFound")
    assert (await post(api.acme, f"{OPERATION}!/claims/results", body)).code == (400, "BadParameters")
