"""Signatures of Standard Webhooks: against the published vector, and against the library."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from padron.domain.change import Place
from padron.domain.signature import SECRET_BYTES, format_secret, give_headers, sign_message
from padron.domain.webhook import format_message_id

keys = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)


def test_the_published_vector() -> None:
    assert (
        sign_message(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
        )
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@given(keys, st.integers(1), st.text())
def test_the_library_accepts_what_we_sign(key: bytes, number: int, text: str) -> None:
    secret, body = format_secret(key), f'{{"text": "{text.encode("unicode_escape").hex()}"}}'.encode()
    headers = give_headers(
        [secret], format_message_id("a" * 22, Place(number=number, mark=number)), datetime.now(UTC), body
    )
    Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, {**headers, "webhook-id": headers["webhook-id"] + "0"})


@given(keys, keys, keys)
def test_while_a_secret_is_replaced_both_verify_and_no_other(new: bytes, former: bytes, other: bytes) -> None:
    headers = give_headers([format_secret(new), format_secret(former)], "msg_1", datetime.now(UTC), b"{}")
    assert headers["webhook-signature"].count("v1,") == 2
    assert headers["webhook-signature"].count(" ") == 1
    for key in (new, former):
        Webhook(format_secret(key)).verify(b"{}", headers)
    if other not in {new, former}:
        with pytest.raises(WebhookVerificationError):
            Webhook(format_secret(other)).verify(b"{}", headers)


@given(keys)
def test_a_secret_is_a_prefix_and_base64_of_32_bytes(key: bytes) -> None:
    prefix, _, text = format_secret(key).partition("_")
    assert (prefix, base64.b64decode(text, validate=True)) == ("whsec", key)


def test_a_message_id_has_no_dot_which_would_blur_what_is_signed() -> None:
    assert format_message_id("a" * 22, Place(number=12, mark=255)) == f"msg_{'a' * 22}_12x000000ff"  # and no dot
