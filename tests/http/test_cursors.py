"""Cursors as clients send them back: bound to their question, and harmless when damaged."""

import base64
import random
from urllib.parse import urlencode

import pytest

from padron.domain.sorting import give_sort_key
from padron.http.calls import TARGET_BYTES_MAX
from padron.service.changes.cursor_texts import EPOCH_LENGTH
from tests.cast import HUMMER, make_vin
from tests.http.api import HISTORY, LIST, Api, on_both
from tests.tables import each_row

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
QUESTION = "sort=brandName&doors=2"


async def fill(api: Api) -> None:
    for number in range(6):
        await api.acme.put_vehicle(make_vin(number), brandName=f"Brand {number}", doors=2)


async def give_cursor(api: Api, question: str) -> str:
    cursor = (await api.acme.get(f"{LIST}?{question}&limit=2")).body["nextCursor"]
    assert isinstance(cursor, str)
    return cursor


def encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.long("postgres")
async def test_a_cursor_goes_on_with_its_own_question_at_any_page_size(api: Api) -> None:
    await fill(api)
    cursor = await give_cursor(api, QUESTION)
    for limit in (1, 2, 3, 500):
        vins = await api.acme.list_vins(f"{QUESTION}&limit={limit}&cursor={cursor}")
        assert vins == [make_vin(number) for number in range(2, 6)][:limit]


@pytest.mark.long("postgres")
async def test_the_order_in_which_filters_are_named_and_their_case_are_no_matter(api: Api) -> None:
    for number in range(3):
        await api.acme.put_vehicle(make_vin(number), brandName="Jeep", doors=2)
    cursor = await give_cursor(api, "brandName=Jeep&doors=2")
    assert await api.acme.list_vins(f"doors=2&brandName=JEEP&cursor={cursor}") == [make_vin(2)]


@on_sqlite
@each_row(
    "question",
    [
        "sort=brandName",
        "sort=brandName&doors=3",
        "sort=brandName&doors=2&stateId=1",
        "sort=-brandName&doors=2",
        "sort=modelName&doors=2",
        "doors=2",
        "sort=brandName&doors=2&assetStatusId=1",
        "sort=brandName&doors=2&assetStatusId=2",
        "",
    ],
)
async def test_a_cursor_of_another_question_is_400(api: Api, question: str) -> None:
    await fill(api)
    cursor = await give_cursor(api, QUESTION)
    reply = await api.acme.get(f"{LIST}?{question}&cursor={cursor}".replace("?&", "?"))
    assert reply.code == (400, "BadParameters")
    assert "cursor" in reply.detail


@pytest.mark.long("postgres")
async def test_a_cursor_of_a_list_is_none_of_a_history_and_the_other_way_round(api: Api) -> None:
    await fill(api)
    await api.acme.register()
    for status in (3, 4, 5):
        await api.acme.patch_status(HUMMER, status)
    of_history = (await api.acme.get(f"{HISTORY}?limit=1")).body["nextCursor"]
    of_list = await give_cursor(api, "")
    assert (await api.acme.get(f"{HISTORY}?cursor={of_list}")).code == (400, "BadParameters")
    assert (await api.acme.get(f"{LIST}?cursor={of_history}")).code == (400, "BadParameters")


@pytest.mark.long("postgres")
async def test_another_accounts_cursor_shows_nothing_but_ones_own(api: Api) -> None:
    await fill(api)
    cursor = await give_cursor(api, "sort=vin")
    await api.beta.put_vehicle(make_vin(9))
    assert await api.beta.list_vins(f"sort=vin&cursor={cursor}") == [make_vin(9)]
    assert await api.beta.list_vins(f"sort=vin&cursor={await give_cursor(api, 'sort=vin')}") == [make_vin(9)]


@on_both("question", ["", "sort=brandName", "sort=doors", "sort=updatedAt", "sort=-vin"], "sort=brandName".__eq__)
async def test_a_damaged_cursor_is_400_or_at_worst_another_place_and_never_500(api: Api, question: str) -> None:
    await fill(api)
    cursor = await give_cursor(api, question)
    randomness = random.Random(question)
    for _ in range(60):
        position = randomness.randrange(len(cursor))
        wrong = randomness.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        damaged = randomness.choice(
            [cursor[:position] + wrong + cursor[position + 1 :], cursor[:position] or "A", cursor + wrong]
        )
        reply = await api.acme.get(f"{LIST}?{question}&cursor={damaged}".replace("?&", "?"))
        assert reply.status in {200, 400, 410}, (damaged, reply.content)
        if reply.status != 200:  # a damaged epoch cannot be told from another register's
            assert reply.code in {(400, "BadParameters"), (410, "CursorGone")}


@on_sqlite
@each_row("path", [LIST, HISTORY])
@each_row(
    "cursor",
    [
        "x",
        "=",
        "%00",
        "%F0%9F%9A%97",
        "A" * 1_500,
        encode("[]"),
        encode("{}"),
        encode("null"),
        encode("[" * 400),
        encode('["history"]'),
        encode('["history", -1]'),
        encode('["history", true]'),
        encode('["history", 1.0]'),
        encode('["history", "1"]'),
        encode(f'["history", {2**63}]'),
        encode(f'["history", {10**300}]'),
        encode("[0, null, 1, 1]"),
        encode("[0, 1, 1]"),
    ],
)
async def test_a_made_up_cursor_is_400(api: Api, path: str, cursor: str) -> None:
    await api.acme.put_vehicle()
    reply = await api.acme.get(f"{path}?cursor={api.store.epoch}{cursor}")
    assert reply.code == (400, "BadParameters")
    assert "cursor" in reply.detail


@on_sqlite
@pytest.mark.parametrize("path", [LIST, HISTORY])
async def test_a_cursor_without_an_epoch_as_they_were_before_is_410_and_no_list_at_all_is_400(
    api: Api, path: str
) -> None:
    """Of one that has none it is not known what it stood after."""
    await api.acme.register()
    for text in ('["history",1]', "[0,null,1,1]", '["feed",1]', "[]"):
        assert (await api.acme.get(f"{path}?cursor={encode(text)}")).code == (410, "CursorGone")
    for text in ("[" * 400, "{}", "1", "x", ""):
        assert (await api.acme.get(f"{path}?cursor={encode(text)}")).code == (400, "BadParameters")


@on_sqlite
@each_row(
    "sort, key",
    [
        ("vin", 1),
        ("doors", '"2"'),
        ("doors", 2**40),
        ("updatedAt", 10**30),
        ("updatedAt", -1),
        ("plate", "null"),
        ("plate", "true"),
        ("plate", r'"\u0000"'),
        ("plate", r'"\ud800"'),
        ("", "1"),
    ],
)
async def test_a_forged_place_that_no_row_can_have_is_400(api: Api, sort: str, key: object) -> None:
    await fill(api)
    question = f"sort={sort}&limit=1" if sort else "limit=1"
    cursor = await give_cursor(api, f"sort={sort}" if sort else "")
    epoch, text = cursor[:EPOCH_LENGTH], cursor[EPOCH_LENGTH:]
    fingerprint = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(",")[0]
    reply = await api.acme.get(f"{LIST}?{question}&cursor={epoch}{encode(f'{fingerprint},{key},1,1]')}")
    assert reply.code == (400, "BadParameters")


@pytest.mark.long("postgres")
async def test_a_cursor_needs_no_escaping_and_fits_into_an_address_with_the_longest_spanish_value(api: Api) -> None:
    for number in range(3):
        await api.acme.put_vehicle(make_vin(number), lessorName="Ñ" * 300)
    cursor = await give_cursor(api, "sort=lessorName")
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert await api.acme.list_vins(f"sort=lessorName&cursor={cursor}") == [make_vin(2)]


@on_both("sign", ["", "-"], lambda sign: sign == "-")
async def test_pages_go_on_through_the_longest_values_of_letters_that_grow_when_folded(api: Api, sign: str) -> None:
    # Folded, the first two have 12 bytes each and the next three are several letters; the rest is long as it stands.
    letters = '\U0001d161\U0001d1c0\u0390\ufb03\u0130\U0001f697\u8eca"\\\u00df'
    texts = [letter * 299 + last for letter in letters for last in (letter, "a", "B")]
    randomness = random.Random(0)
    texts += ["".join(randomness.choices(letters, k=300)) for _ in range(10)]
    for number, text in enumerate(texts):
        await api.acme.put_vehicle(make_vin(number), lessorName=text)
    numbers = sorted(range(len(texts)), key=lambda number: (give_sort_key(texts[number]), number), reverse=sign == "-")
    question = {"limit": 1, "sort": f"{sign}lessorName", "assetStatusId": 1, "operational": "true"}
    target = f"{LIST}?{urlencode(question)}"
    vins: list[str] = []
    length = 0
    while len(vins) < len(texts):
        page = await api.acme.get(target)
        assert page.status == 200, page.detail
        vins += [vehicle["vin"] for vehicle in page.body["vehicles"]]
        if page.body["nextCursor"] is None:
            break
        target = f"{LIST}?{urlencode({**question, 'cursor': page.body['nextCursor']})}"
        length = max(length, len(target))
    assert vins == [make_vin(number) for number in numbers]
    assert 1_500 < length < TARGET_BYTES_MAX


@pytest.mark.long("postgres")
async def test_a_cursor_that_is_nested_without_end_is_no_failure_of_ours(api: Api) -> None:
    nested = base64.urlsafe_b64encode(b"[" * 1_400).decode().rstrip("=")
    assert (await api.acme.get(f"{LIST}?cursor={nested}")).code == (400, "BadParameters")
