"""Whether a request with a known Idempotency-Key is done, repeated or refused, at each instant and in each state."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.idempotency import KEPT_FOR, LEASE, KeptAnswer, KeptKey, KeyState, decide_repeat
from tests.cast import NOON
from tests.tables import each_row

TICK = timedelta(microseconds=1)
LEASED_UNTIL = NOON + LEASE
KEPT_UNTIL = NOON + KEPT_FOR
ANSWER = KeptAnswer(request_id="r-1", status=200, headers=(), body=b"{}")
OPEN = KeptKey(fingerprint=b"a", state=KeyState.OPEN, lease_until=LEASED_UNTIL, expires_at=KEPT_UNTIL, answer=None)
DONE = replace(OPEN, state=KeyState.DONE)
ANSWERED = replace(OPEN, state=KeyState.ANSWERED, answer=ANSWER)


@each_row(
    "kept, now, answer",
    [
        (OPEN, LEASED_UNTIL, None),
        (ANSWERED, NOON, ANSWER),
        (ANSWERED, LEASED_UNTIL, ANSWER),
        (ANSWERED, KEPT_UNTIL - TICK, ANSWER),
        (OPEN, KEPT_UNTIL, None),
        (DONE, KEPT_UNTIL, None),
        (ANSWERED, KEPT_UNTIL, None),
    ],
)
def test_a_request_is_answered_as_before_or_done(kept: KeptKey, now: datetime, answer: KeptAnswer | None) -> None:
    assert decide_repeat(kept, b"a", now) is answer


@each_row(
    "kept, now, code",
    [
        (OPEN, NOON, Code.KEY_IN_USE),
        (OPEN, LEASED_UNTIL - TICK, Code.KEY_IN_USE),
        (DONE, LEASED_UNTIL - TICK, Code.KEY_IN_USE),
        (DONE, LEASED_UNTIL, Code.ANSWER_LOST),
        (DONE, KEPT_UNTIL - TICK, Code.ANSWER_LOST),
    ],
)
def test_a_request_that_may_have_taken_effect_is_not_done_again(kept: KeptKey, now: datetime, code: Code) -> None:
    with pytest.raises(PadronError) as caught:
        decide_repeat(kept, b"a", now)
    assert caught.value.code is code


@each_row("kept", [OPEN, DONE, ANSWERED])
def test_another_request_never_gets_the_answer_and_may_use_the_key_once_it_has_expired(kept: KeptKey) -> None:
    with pytest.raises(PadronError) as caught:
        decide_repeat(kept, b"b", KEPT_UNTIL - TICK)
    assert caught.value.code is Code.KEY_REUSED
    assert decide_repeat(kept, b"b", KEPT_UNTIL) is None
