"""For which address passkeys work, when a device counts backwards, and what names a credential."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from padron.domain.passkeys import (
    Challenge,
    Passkey,
    encode_base64url,
    give_adding_purpose,
    give_party,
    parse_credential_id,
    went_backwards,
)
from tests.cast import NOON
from tests.tables import each_row

PASSKEY = Passkey(
    credential_id=b"c", user_id="u_1", host="padron.test", public_key=b"k", sign_count=0, name="Phone", added_at=NOON,
    used_at=None,
)  # fmt: skip


@each_row(
    "origin, resource, host",
    [
        ("https://padron.test", "", "padron.test"),
        ("https://padron.test:8443", "", "padron.test"),
        ("http://localhost:8000", "", "localhost"),
        ("http://127.0.0.1:8000", "", None),
        ("https://[2001:db8::1]", "", None),
        ("https://padron.test", "https://padron.test", "padron.test"),
        ("https://padron.test", "https://PADRON.test:443/below/a/path", "padron.test"),
        ("https://padron.test:8443", "https://padron.test:8443/", "padron.test"),
        ("https://padron.test:8443", "https://padron.test", None),
        ("http://padron.test", "https://padron.test", None),
        ("https://evil.test", "https://padron.test", None),
        ("https://padron.test.evil.test", "https://padron.test", None),
        ("https://127.0.0.1", "https://127.0.0.1", None),
    ],
)
def test_passkeys_work_under_a_name_and_under_the_configured_one_alone(
    origin: str, resource: str, host: str | None
) -> None:
    party = give_party(origin, resource)
    assert (None if party is None else (party.host, party.origin)) == (None if host is None else (host, origin))


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_count_goes_up_or_stays_at_zero(before: int, after: int) -> None:
    backwards = went_backwards(replace(PASSKEY, sign_count=before), after)
    assert backwards is not (after > before or before == after == 0)


@given(st.binary(min_size=1, max_size=1_023))
def test_a_credential_has_one_name(raw: bytes) -> None:
    assert parse_credential_id(encode_base64url(raw)) == raw


@each_row("text", ["", "A", "AB", "AA=", "AA ", "A+AA", "é", "A" * 1_365, "AA\n", "AAA\x00"])
def test_any_other_text_names_none(text: str) -> None:
    assert parse_credential_id(text) is None


def test_a_challenge_is_another_one_in_another_browser_and_for_another_purpose() -> None:
    first = Challenge(raw=b"r", browser="b")
    others = [
        Challenge(raw=b"q", browser="b"),
        Challenge(raw=b"r", browser="c"),
        Challenge(raw=b"r", browser="b", purpose=give_adding_purpose("u_1")),
        Challenge(raw=b"r", browser="b", purpose=give_adding_purpose("u_2")),
    ]
    assert len({first.sha256, *(one.sha256 for one in others)}) == 1 + len(others)
