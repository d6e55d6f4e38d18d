"""ETag, If-Match and If-None-Match (contract 2, "Concurrency")."""

from datetime import UTC, datetime, timedelta

import pytest

from padron.domain.instants import format_instant
from tests.cast import HUMMER, JEEP
from tests.http.api import CAR, HISTORY, LIST, STATUS, UPSERT, VEHICLE, Api
from tests.tables import each_row

pytestmark = pytest.mark.long("postgres")

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


async def test_each_change_gives_a_new_etag_and_every_answer_shows_it(api: Api) -> None:
    etags = [(await api.acme.register()).etag]
    etags.append((await api.acme.patch_status(HUMMER, 3)).etag)
    etags.append((await api.acme.put_vehicle(HUMMER, doors=2)).etag)
    etags.append((await api.acme.upsert(ownerName="x")).etag)
    assert len({*etags}) == 4
    for path in (VEHICLE, STATUS):
        assert (await api.acme.get(path)).etag == etags[-1]


async def test_a_patch_with_the_present_etag_goes_on_and_with_a_former_one_is_412(api: Api) -> None:
    first = await api.acme.register()
    second = await api.acme.patch_status(HUMMER, 3, If_Match=first.etag)
    assert second.status == 204
    stale = await api.acme.patch_status(HUMMER, 4, If_Match=first.etag)
    assert stale.code == (412, "RevisionMismatch")
    assert stale.body["errorType"] == "preconditionFailed"
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 3
    assert len(await api.acme.list_history()) == 2
    assert (await api.acme.patch_status(HUMMER, 4, If_Match=second.etag)).status == 204


async def test_a_put_with_the_present_etag_goes_on_and_with_a_former_one_is_412(api: Api) -> None:
    first = await api.acme.register()
    assert (await api.acme.put(VEHICLE, {"doors": 2}, If_Match=first.etag)).status == 200
    stale = await api.acme.put(VEHICLE, {"doors": 3}, If_Match=first.etag)
    assert stale.code == (412, "RevisionMismatch")
    assert (await api.acme.get_vehicle())["doors"] == 2


async def test_a_stale_etag_is_412_even_when_nothing_would_change(api: Api) -> None:
    await api.acme.register()
    assert (await api.acme.patch_status(HUMMER, 1, If_Match='"9"')).status == 412
    assert (await api.acme.put(VEHICLE, {}, If_Match='"9"')).status == 412


async def test_if_match_with_any_goes_on_for_a_vehicle_that_exists(api: Api) -> None:
    await api.acme.register()
    assert (await api.acme.patch_status(HUMMER, 3, If_Match="*")).status == 204
    assert (await api.acme.put(VEHICLE, {"doors": 2}, If_Match="*")).status == 200


@pytest.mark.parametrize("etag", ["*", '"1"'])
async def test_if_match_registers_no_vehicle(api: Api, etag: str) -> None:
    assert (await api.acme.put(VEHICLE, CAR, If_Match=etag)).code == (412, "RevisionMismatch")
    assert await api.acme.list_vehicles() == []


async def test_404_and_409_come_before_412(api: Api) -> None:
    assert (await api.acme.patch_status(JEEP, 3, If_Match='"9"')).status == 404
    await api.keep_duplicates()
    assert (await api.acme.patch_status(HUMMER, 3, If_Match='"9"')).status == 409


async def test_if_none_match_any_registers_only(api: Api) -> None:
    assert (await api.acme.put(VEHICLE, CAR, If_None_Match="*")).status == 201
    again = await api.acme.put(VEHICLE, {"doors": 2}, If_None_Match="*")
    assert again.code == (412, "RevisionMismatch")
    assert (await api.acme.get_vehicle())["doors"] == 4
    assert (await api.beta.put(VEHICLE, CAR, If_None_Match="*")).status == 201


@on_sqlite
async def test_two_conditions_that_exclude_each_other_are_never_met(api: Api) -> None:
    for _ in range(2):
        reply = await api.acme.put(VEHICLE, CAR, If_None_Match="*", If_Match='"1"')
        assert reply.code == (412, "RevisionMismatch")
        await api.acme.put_vehicle(HUMMER)


@on_sqlite
async def test_another_if_none_match_on_a_put_is_400_rather_than_ignored(api: Api) -> None:
    reply = await api.acme.put(VEHICLE, CAR, If_None_Match='"1"')
    assert reply.code == (400, "BadParameters")
    assert "If-None-Match" in reply.detail


@on_sqlite
@pytest.mark.parametrize(
    "named",
    ["{}", '{}, "7"', '"7",{}', " {} ", '"x", {}', "{},", ",{}", ",, \t,{}\t,\t", 'W/"x", {}', '"", {}', '{}\t,"é"'],
)
async def test_if_match_may_name_several_etags_with_any_space_and_empty_elements(api: Api, named: str) -> None:
    etag = (await api.acme.register()).etag
    assert (await api.acme.patch_status(HUMMER, 3, If_Match=named.format(etag))).status == 204


@on_sqlite
@each_row(
    "named",
    [
        "W/{}", 'W/{}, "x"', '"1"', '"01"', '"+1"', '"x"', '""', f'"{"1" * 40}"', '"1.0"', '"\u00b9"', '"2", "3"', "",
        ",", '"0{1}"', '"{1}0"', '"V{1}"',
    ],
)  # fmt: skip
async def test_a_weak_etag_or_one_that_no_vehicle_can_have_matches_nothing(api: Api, named: str) -> None:
    etag = (await api.acme.put_vehicle()).etag
    reply = await api.acme.patch_status(HUMMER, 3, If_Match=named.format(etag, etag.strip('"')))
    assert reply.code == (412, "RevisionMismatch")
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


@pytest.mark.parametrize("named", ["W/{}", 'W/"x" , W/"y"', "", ","])
async def test_an_if_match_without_a_strong_etag_is_named_in_the_refusal(api: Api, named: str) -> None:
    named = named.format((await api.acme.register()).etag)
    why = "If-Match has no strong ETag, and a weak one (with W/) matches no vehicle."
    said = f"{why} Read the vehicle again and decide."
    later = {"vehicleStatusId": 3, "effectiveAt": format_instant(datetime.now(UTC) + timedelta(days=1))}
    for reply in (
        await api.acme.patch_status(HUMMER, 3, If_Match=named),
        await api.acme.patch(STATUS, later, If_Match=named),
        await api.acme.put(VEHICLE, {"doors": 2}, If_Match=named),
        await api.acme.put(UPSERT, {"vehicleInfo": {"vin": HUMMER, "plate": "RTA412C"}}, If_Match=named),
    ):
        assert (reply.code, reply.detail) == ((412, "RevisionMismatch"), said)
    assert (await api.acme.put(VEHICLE.replace(HUMMER, JEEP), {"doors": 2}, If_Match=named)).detail == (
        f"If-Match requires the vehicle {JEEP}, but it does not exist."
    )


@on_sqlite
@each_row(
    "etag",
    ["1", "x", '"1', '1"', '"1" "2"', '*, "1"', '"1", *', "*, *", '"1 "', 'w/"1"', 'W/ "1"', '"1";"2"', "v1r1t1"],
)
async def test_an_if_match_that_is_no_list_of_etags_is_400(api: Api, etag: str) -> None:
    await api.acme.put_vehicle()
    for reply in (
        await api.acme.patch_status(HUMMER, 3, If_Match=etag),
        await api.acme.put(VEHICLE, {"doors": 2}, If_Match=etag),
    ):
        assert reply.code == (400, "BadParameters")
        assert "If-Match" in reply.detail


@pytest.mark.parametrize("path", [VEHICLE, STATUS])
async def test_if_none_match_gives_304_without_a_body_while_the_vehicle_is_as_it_was(api: Api, path: str) -> None:
    etag = (await api.acme.register()).etag
    for named in (etag, f'"9", {etag}', f"W/{etag}", f"\t, ,\t{etag} ,", f'W/"x" , W/{etag}', "*", " * "):
        reply = await api.acme.get(path, If_None_Match=named)
        assert (reply.status, reply.content, reply.etag) == (304, b"", etag)
    await api.acme.patch_status(HUMMER, 3)
    reply = await api.acme.get(path, If_None_Match=etag)
    assert (reply.status, reply.revision) == (200, 2)
    assert reply.etag != etag
    assert reply.body["vehicleStatusId"] == 3


@on_sqlite
@pytest.mark.parametrize("path", [VEHICLE, STATUS])
async def test_an_if_none_match_that_is_no_etag_counts_as_none(api: Api, path: str) -> None:
    etag = (await api.acme.register()).etag
    # A plain number, as ETags were before they named the vehicle, is one that fits nothing.
    for named in (
        "1",
        "x",
        '"',
        '"11"',
        '"1"',
        'W/"1"',
        f'{etag} x, "',
        f"w/{etag}",
        f"*, {etag}",
        etag.strip('"'),
        "",
    ):
        assert (await api.acme.get(path, If_None_Match=named)).status == 200


@on_sqlite
async def test_no_condition_tells_another_accounts_vehicle_from_none(api: Api) -> None:
    await api.acme.register()
    assert (await api.beta.get(VEHICLE, If_None_Match="*")).status == 404
    assert (await api.beta.patch_status(HUMMER, 3, If_Match="*")).status == 404
    assert (await api.beta.patch_status(HUMMER, 3, If_Match='"9"')).status == 404


@on_sqlite
async def test_answers_may_not_be_kept_by_shared_caches(api: Api) -> None:
    await api.acme.register()
    for path in (VEHICLE, STATUS, HISTORY, LIST):
        assert (await api.acme.get(path)).headers["cache-control"] == "private, no-cache"
    assert (await api.acme.get(f"{LIST}?x=1")).headers["cache-control"] == "no-store"
