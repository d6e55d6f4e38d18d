"""What is said of a JSON body that cannot be taken: in sentences of ours, with the member's path or the place."""

import json
import random
import re
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import pytest

from padron.domain.errors import PadronError
from padron.http.requests.bodies import decode_shape
from padron.http.requests.json_faults import suggest_name, word_fault
from padron.http.routes import ROUTES
from tests.cast import HUMMER
from tests.http.api import STATUS, UPSERT, Api
from tests.tables import each_row

BULK = "/api/v2/vehicles/status"
RESULTS = "/api/v2/operations/fines/claims/results"
RESULT = '{"results": [{"claimId": "a", "outcome": "failed", "result": %s}]}'
STATUS_ID = '"vehicleStatusId": 3'
BODIES = {one.name: (one.body, one.body_example) for one in ROUTES if one.body is not None}
# Words and marks of the decoders beneath.
FOREIGN = re.compile(
    r"`|\bObject\b|[Ii]nput data|\bExpected\b|\bgot\b|\bat \$|malformed|truncated|codec|Invalid|invalid|\bstr\b|\bint\b"
    r"|\bbool\b|\bnull\b.*\bnull\b|Expecting|delimiter|utf-16|\bfield\b|\barray\b|\(byte \d"
)


def refuse(content: bytes | str, call: str = "setVehicleStatus") -> str:
    """Give the detail of the refusal of a body that this call cannot take."""
    text = content.encode() if isinstance(content, str) else content
    with pytest.raises(PadronError) as refused:
        decode_shape(BODIES[call][0], text)
    return refused.value.detail


@each_row(
    "content, detail",
    [
        ("[]", "The body must be a JSON object, not a list."),
        ("null", "The body must be a JSON object, not null."),
        ('"x"', "The body must be a JSON object, not text."),
        ("1", "The body must be a JSON object, not an integer."),
        ("1.5", "The body must be a JSON object, not a number with a fraction or an exponent."),
        ("{}", "The body lacks the member vehicleStatusId."),
        (
            '{"vehicleStatusId": "3"}',
            "The body's vehicleStatusId must be an integer, not text. Write it without quotes.",
        ),
        ('{"vehicleStatusId": true}', "The body's vehicleStatusId must be an integer, not true or false."),
        ('{"vehicleStatusId": null}', "The body's vehicleStatusId must be an integer, not null."),
        ('{"vehicleStatusId": {}}', "The body's vehicleStatusId must be an integer, not a JSON object."),
        (
            '{"vehicleStatusId": 3.0}',
            ("The body's vehicleStatusId must be an integer, not a number with a fraction or an exponent. "
            "Write it without a fraction and without an exponent."),
        ),
        (
            '{"vehicleStatusId": 3e0}',
            ("The body's vehicleStatusId must be an integer, not a number with a fraction or an exponent. "
            "Write it without a fraction and without an exponent."),
        ),
        ('{"vehicleStatusId": 3e400}', "The body's vehicleStatusId is a number that is too large."),
        (f'{{"vehicleStatusId": {"9" * 5_000}}}', "The body's vehicleStatusId is a number that is too large."),
        ('{"vehicleStatusId": 3, "reason": 3}', "The body's reason must be text, not an integer. Write it in quotes."),
        ('{"vehicleStatusID": 3}', "The body has the unknown member 'vehicleStatusID'. Did you mean vehicleStatusId?"),
        (
            '{"vehicle_status_id": 3}',
            "The body has the unknown member 'vehicle_status_id'. Did you mean vehicleStatusId?",
        ),
        ('{"vehcileStatusId": 3}', "The body has the unknown member 'vehcileStatusId'. Did you mean vehicleStatusId?"),
        (
            '{"Año": 3}',
            "The body has the unknown member 'Año'. Its members are vehicleStatusId, reason, effectiveAt, until.",
        ),
        (
            '{"x\\u200b\\n": 3}',
            ("The body has the unknown member 'x<U+200B ZERO WIDTH SPACE><U+000A LINE FEED>'. "
            "Its members are vehicleStatusId, reason, effectiveAt, until."),
        ),
        ("{", "The body is not valid JSON: it ends too early. A quote or a bracket is not closed."),
        ('{"vehicleStatusId": 3', "The body is not valid JSON: it ends too early. A quote or a bracket is not closed."),
        ('{"vehicleStatusId": }', "The body is not valid JSON at line 1, character 21: '}' is not expected here."),
        (
            '{\n "reason": "ñ" x}',
            "The body is not valid JSON at line 2, character 16: a comma or a closing } is missing.",
        ),
        ('{"a" 1}', "The body is not valid JSON at line 1, character 6: a colon is missing."),
        (
            "{'a': 1}",
            "The body is not valid JSON at line 1, character 2: a member's name must be in double quotes.",
        ),
        (
            '{"vehicleStatusId": 3,}',
            "The body is not valid JSON at line 1, character 23: there is a comma before the closing bracket.",
        ),
        (
            '{"vehicleStatusId": 3} {}',
            "The body is not valid JSON at line 1, character 24: the JSON has ended before this.",
        ),
        (
            '{"vehicleStatusId": 03}',
            "The body is not valid JSON at line 1, character 22: this is not a number in JSON.",
        ),
        (
            r'{"reason": "\x"}',
            "The body is not valid JSON at line 1, character 14: this is not an escape in JSON.",
        ),
        (
            r'{"reason": "\u12"}',
            r"The body is not valid JSON at line 1, character 17: four hexadecimal digits must follow \u.",
        ),
        (
            '{"reason": "a\tb"}',
            (
                "The body is not valid JSON at line 1, character 14: "
                "'<U+0009 CHARACTER TABULATION>' is not expected here."
            ),
        ),
        ("\N{BYTE ORDER MARK}{}", "The body begins with a byte order mark (U+FEFF). Send it without one."),
        (b'{"reason": "\xff"}', "The body is not UTF-8 at line 1, character 13: there is the byte 0xff."),
        (b'{"\xed\xa0\x80": 1}', "The body is not UTF-8 at line 1, character 3: there is the byte 0xed."),
    ],
)  # fmt: skip
def test_each_fault_has_its_sentence(content: bytes | str, detail: str) -> None:
    assert refuse(content) == detail


@each_row(
    "call, content, fault",
    [
        ("upsertVehicleInfo", '{"vehicleInfo": {"vin": 1}}', "vehicleInfo.vin must be text, not an integer."),
        ("upsertVehicleInfo", '{"vehicleInfo": {"vin": "x"}}', "vehicleInfo lacks the member plate."),
        ("upsertVehicleInfo", '{"vehicleInfo": {"owner_name": "x"}}', "Did you mean ownerName?"),
        ("putVehicle", '{"doors": true}', "doors must be an integer or text, not true or false."),
        ("putVehicle", '{"colour": "x"}', "the unknown member 'colour'. See /docs for its members."),
        ("giveResults", '{"results": [{"claimId": "a", "outcome": "done"}]}', "results[0].outcome cannot be 'done'."),
        ("giveResults", '{"results": [{"claimId": "a", "outcome": "done"}]}', "Use succeeded or failed."),
        ("giveResults", '{"results": [7]}', "results[0] must be a JSON object, not an integer."),
        ("setVehicleStatuses", '{"vehicles": [{}]}', "vehicles[0] lacks the member vehicleStatusId."),
        ("setVehicleStatuses", '{"vehicles": [], "mode": "some"}', "mode cannot be 'some'. Use each or all."),
        ("setVehicleStatuses", '{"vehicles": [], "dryRun": "true"}', "dryRun must be true or false, not text."),
        ("resolveDuplicates", '{"keep": 1, "revisions": {"a": 1}}', "revisions has a name that is not an integer."),
        ("resolveDuplicates", '{"keep": 1, "revisions": {"1": true}}', "A value in the body's revisions must"),
        ("mergeDuplicates", '{"keep": 1, "set": {"dors": 1}}', "set has the unknown member 'dors'. Did you mean do"),
    ],
)  # fmt: skip
def test_the_members_path_is_named(call: str, content: str, fault: str) -> None:
    assert fault in refuse(content, call)


@each_row(
    "escapes, place",
    [
        (r"\ud800", 13), (r"\udbff", 13), (r"\udc00", 13), (r"\uDFFF", 13), (r"\ud800\u0041", 13),
        (r"\ud800\ud800", 13), (r"\ud83d\ude97\ud83d", 25),
        (r"ok \\\ud800", 18), (r"\ud800\n", 13), (r"\ud83dx\ude97", 13),
    ],
)  # fmt: skip
def test_half_of_a_surrogate_pair_is_named_with_its_place(escapes: str, place: int) -> None:
    detail = refuse(f'{{"reason": "{escapes}"}}')
    assert detail.startswith(f"The body has half a character at line 1, character {place}: \\u")
    assert detail.endswith("is one of a surrogate pair, and the other is missing.")


def test_a_whole_pair_and_an_escaped_backslash_are_no_half() -> None:
    shape = BODIES["setVehicleStatus"][0]
    taken: Any = decode_shape(shape, rb'{"vehicleStatusId": 3, "reason": "\ud83d\ude97 \\ud800"}')
    assert taken.reason == "\N{AUTOMOBILE} \\ud800"


class Bounded(msgspec.Struct):
    """Limits that the decoder would check: no shape of ours has any now, and one that gets them has sentences."""

    number: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    open_number: Annotated[int, msgspec.Meta(gt=0, lt=10)] = 1
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=3)] = "a"
    items: Annotated[list[int], msgspec.Meta(min_length=1, max_length=2)] = msgspec.field(default_factory=lambda: [1])
    pattern: Annotated[str, msgspec.Meta(pattern="^a$")] = "a"


@each_row(
    "content, detail",
    [
        ('{"number": 0}', "The body's number must be at least 1."),
        ('{"number": 10}', "The body's number must be at most 9."),
        ('{"open_number": 0}', "The body's open_number must be at least 1."),
        ('{"open_number": 10}', "The body's open_number must be at most 9."),
        ('{"text": ""}', "The body's text must have at least 1 characters."),
        ('{"text": "aaaa"}', "The body's text must have at most 3 characters."),
        ('{"items": []}', "The body's items must have at least 1 members."),
        ('{"items": [1, 2, 3]}', "The body's items must have at most 2 members."),
        ('{"pattern": "b"}', "The body's pattern has a value that this call does not take. See /docs."),
    ],
)  # fmt: skip
def test_limits_have_sentences_too(content: str, detail: str) -> None:
    with pytest.raises(PadronError) as refused:
        decode_shape(Bounded, content.encode())
    assert refused.value.detail == detail


def test_a_fault_in_words_that_nobody_has_seen_yet_still_has_a_sentence_of_ours() -> None:
    for error in (msgspec.ValidationError("Quux `frob` - at `$.a`"), msgspec.DecodeError("Frob"), ValueError("frob")):
        detail = word_fault(error, b"{}", dict)
        assert "frob" not in detail.lower()
        assert detail.startswith("The body")


VALUES = (
    "null",
    "true",
    '"x"',
    "1",
    "-1",
    "1.5",
    "1e2",
    "1e999",
    "9" * 400,
    "9" * 5_000,
    "[]",
    "{}",
    "[[]]",
    '{"x": 1}',
    r'"\ud800"',
    "",
)


def change_everywhere(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Give the JSON with each of its parts, in turn, replaced, left out, misnamed and doubled."""
    marked = json.dumps(value)
    for match in re.finditer(r'"[^"]*"|\d+|true|null', marked):
        for other in VALUES:
            yield marked[: match.start()] + other + marked[match.end() :]
    for match in re.finditer(r'"([^"]*)": ', marked):
        yield marked[: match.start()] + f'"{match[1]}x": ' + marked[match.end() :]
        yield marked[: match.start()] + '"zzz": 1, ' + marked[match.start() :]
    if isinstance(value, dict):
        for name in value:
            yield json.dumps({other: inner for other, inner in value.items() if other != name})


@each_row("call", sorted(BODIES))
def test_no_call_passes_a_word_of_the_decoder_on(call: str) -> None:
    shape, example = BODIES[call]
    details = set()
    for content in change_everywhere(example):
        try:
            decode_shape(shape, content.encode())
        except PadronError as refusal:
            details.add(refusal.detail)
    assert details
    for detail in details:
        assert not FOREIGN.search(re.sub(r"'[^']*'", "", detail)), detail
        assert "body" in detail
        assert detail.isprintable()


def test_no_cut_or_changed_byte_brings_a_word_of_the_decoder_out() -> None:
    chance = random.Random(20)
    details: set[str] = set()
    whole = json.dumps(BODIES["setVehicleStatuses"][1]).encode()
    shape = BODIES["setVehicleStatuses"][0]
    for _ in range(3_000):
        content = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(content))
            content[place : place + chance.randrange(3)] = chance.choice(
                [
                    b"",
                    b'"',
                    b"\\",
                    b"{",
                    b"]",
                    b"\xff",
                    b"\xc3",
                    b"\x00",
                    b",",
                    b":",
                    b"9",
                    b"\\ud800",
                    b"\\u",
                    b"-",
                    b".",
                ]
            )
        try:
            decode_shape(shape, bytes(content))
        except PadronError as refusal:
            details.add(refusal.detail)
    assert len(details) > 100
    for detail in details:
        assert not FOREIGN.search(re.sub(r"'[^']*'", "", detail)), detail


@each_row(
    "given, meant",
    [
        ("vehicleStatusID", "vehicleStatusId"), ("VEHICLESTATUSID", "vehicleStatusId"), ("statusId", "vehicleStatusId"),
        ("vehicle-status-id", "vehicleStatusId"), ("resaon", "reason"), ("reasons", "reason"), ("untill", "until"),
        ("quite different", None), ("vehicleStatusId" * 1_000, None), ("", None), ("r\u0435ason", "reason"),
    ],
)  # fmt: skip
def test_only_what_is_near_is_suggested(given: str, meant: str | None) -> None:
    assert suggest_name(given, frozenset({"vehicleStatusId", "reason", "effectiveAt", "until"})) == meant


@pytest.mark.parametrize("engine", ["sqlite"])
class TestOverHttp:
    async def test_bulk_names_the_vehicle_and_the_member(self, api: Api) -> None:
        good = json.dumps({"vin": HUMMER, "vehicleStatusId": 3})
        content = f'{{"vehicles": [{good}, {{"vin": "{HUMMER}", "vehicleStatusId": "3"}}, {{"vin": 1, "stauts": 1}}]}}'
        results = (await api.acme.send("POST", BULK, content)).body["results"]
        assert results[1]["detail"] == (
            "The body's vehicles[1].vehicleStatusId must be an integer, not text. Write it without quotes."
        )
        assert results[2]["detail"] == "The body's vehicles[2].vin must be text, not an integer. Write it in quotes."

    @each_row(
        "target, content, detail",
        [
            (STATUS, f"{{{STATUS_ID}, {STATUS_ID}}}", "The body has the member 'vehicleStatusId' twice. Send it once."),
            (
                UPSERT,
                f'{{"vehicleInfo": {{"vin": "{HUMMER}", "plate": "AAAA1", "plate": "AAAA2"}}}}',
                "The body's vehicleInfo has the member 'plate' twice. Send it once.",
            ),
            (
                BULK,
                f'{{"vehicles": [{{{STATUS_ID}, "vin": "x"}}, {{"vin": "x", {STATUS_ID}, "vin": "y"}}]}}',
                "The body's vehicles[1] has the member 'vin' twice. Send it once.",
            ),
            (
                RESULTS,
                RESULT % '{"a": [1, {"b c": 1, "b c": 2}]}',
                "The body's results[0].result.a[1] has the member 'b c' twice. Send it once.",
            ),
            (RESULTS, RESULT % ("9" * 5_000), "The body has a number with too many digits, or is not JSON."),
            (RESULTS, RESULT % ("[" * 5_000 + "]" * 5_000), "The body is nested too deeply. Send fewer levels."),
        ],
    )
    async def test_what_only_the_second_reading_finds(self, api: Api, target: str, content: str, detail: str) -> None:
        await api.acme.put("/api/v2/operations/fines", {"description": "", "leaseSeconds": 60, "attempts": 1})
        method = {STATUS: "PATCH", UPSERT: "PUT"}.get(target, "POST")
        reply = await api.acme.send(method, target, content)
        assert (reply.code, reply.detail) == ((400, "BadParameters"), detail)

    async def test_a_member_twice_is_found_in_a_large_body_too(self, api: Api) -> None:
        vehicles = ", ".join([json.dumps({"vin": HUMMER, "vehicleStatusId": 3, "reason": "x" * 400})] * 900)
        content = f'{{"vehicles": [{vehicles}, {{"vin": "x", "vin": "y", "vehicleStatusId": 1}}]}}'
        reply = await api.acme.send("POST", BULK, content)
        assert reply.detail == "The body's vehicles[900] has the member 'vin' twice. Send it once."

    @each_row("operation", [one for one in ROUTES if one.body is not None])
    async def test_no_number_however_large_is_a_failure_of_ours(self, api: Api, operation: Any) -> None:  # noqa: ANN401
        await api.acme.put_vehicle(HUMMER)
        await api.acme.put("/api/v2/operations/fines", {"description": "", "leaseSeconds": 60, "attempts": 1})
        target = re.sub(r"\{\w+\}", "fines", operation.path.replace("{vin}", HUMMER))
        example = json.dumps(operation.body_example)
        for match in re.finditer(r"(?<![\w\"-])\d+(?![\w\"-])", example):
            for number in ("9" * 4_000, "-" + "9" * 4_000, str(2**63), str(-(2**63) - 1), str(2**64), "-0"):
                changed = example[: match.start()] + number + example[match.end() :]
                reply = await api.acme.send(operation.method, target, changed)
                assert reply.status < 500, (target, number[:20])
                assert len(reply.content) < 10_000
