"""The keys of an issuer: fetched rarely and in the background, kept while it is away, and chosen strictly."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from padron.domain.access_token import WantedKey
from padron.domain.errors import Code, PadronError
from padron.domain.providers import DEFAULT_ALGORITHMS, Algorithm
from padron.service.tokens.issuer_keys import FRESH_S, KEPT_S, TRIED_EVERY_S, IssuerKeys
from padron.service.tokens.key_sets import parse_key_set
from padron.service.tokens.sources import SourceError
from tests.issuers import (
    ISSUER,
    KEY_SET,
    METADATA,
    Issuer,
    Json,
    describe,
    encode_number,
    make_ec,
    make_ed25519,
    make_provider,
    make_rsa,
)
from tests.tables import each_row

RSA = WantedKey(kid="rsa", algorithm=Algorithm.RS256)
NEW = WantedKey(kid="new", algorithm=Algorithm.RS256)
OAUTH_METADATA = "https://id.example/.well-known/oauth-authorization-server/fleet"


class SlowIssuer(Issuer):
    """An issuer that answers once it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.open.set()

    async def fetch(self, url: str) -> bytes:
        await self.open.wait()
        return await super().fetch(url)

    @property
    def fetch_count(self) -> int:
        return len([url for url in self.asked if url == METADATA])


class SetTime:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def issuer() -> SlowIssuer:
    return SlowIssuer()


@pytest.fixture
def time() -> SetTime:
    return SetTime()


@pytest.fixture
async def keys(issuer: SlowIssuer, time: SetTime) -> AsyncIterator[IssuerKeys]:
    keys = IssuerKeys(make_provider(), issuer, time)
    yield keys
    await keys.close()


async def refuse_now(keys: IssuerKeys, wanted: WantedKey) -> str:
    with pytest.raises(PadronError) as caught:
        await keys.find(wanted)
    assert caught.value.code is Code.PROVIDER_UNAVAILABLE
    return caught.value.detail


async def test_many_uses_at_once_fetch_the_keys_once(keys: IssuerKeys, issuer: SlowIssuer) -> None:
    found = await asyncio.gather(*(keys.find(RSA) for _ in range(20)))
    assert None not in found
    assert issuer.asked == [METADATA, KEY_SET]


async def test_an_unknown_key_is_asked_for_once_a_minute_at_most(
    keys: IssuerKeys, issuer: SlowIssuer, time: SetTime
) -> None:
    await keys.find(RSA)
    for _ in range(50):
        assert await keys.find(NEW) is None
    assert issuer.fetch_count == 1
    time.now_s += TRIED_EVERY_S
    for _ in range(50):
        assert await keys.find(NEW) is None
    assert issuer.fetch_count == 2


async def test_a_new_key_of_the_issuer_is_found_by_the_first_token_that_names_it(
    keys: IssuerKeys, issuer: SlowIssuer, time: SetTime
) -> None:
    await keys.find(RSA)
    issuer.publish(describe(make_rsa(), kid="rsa"), describe(make_rsa(2_048, 1), kid="new"))
    time.now_s += TRIED_EVERY_S
    assert await keys.find(NEW) is not None


async def test_a_key_that_the_issuer_withdrew_is_refused_soon_after_the_keys_stopped_to_be_fresh(
    keys: IssuerKeys, issuer: SlowIssuer, time: SetTime
) -> None:
    await keys.find(RSA)
    issuer.publish(describe(make_rsa(2_048, 1), kid="new"))
    time.now_s += FRESH_S + 1
    assert await keys.find(RSA) is not None  # it does not wait for the fetch that it begins
    await asyncio.sleep(0.01)
    assert await keys.find(RSA) is None


async def test_a_slow_issuer_holds_up_nobody_whose_key_is_known(
    keys: IssuerKeys, issuer: SlowIssuer, time: SetTime
) -> None:
    await keys.find(RSA)
    issuer.open.clear()
    time.now_s += FRESH_S + 1
    waiting = asyncio.create_task(keys.find(NEW))
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        for _ in range(100):
            assert await keys.find(RSA) is not None
    assert not waiting.done()
    issuer.open.set()
    assert await waiting is None


async def test_an_unknown_key_waits_for_a_slow_issuer_for_a_short_time_only(
    keys: IssuerKeys, issuer: SlowIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("padron.service.tokens.issuer_keys.WAIT_S_MAX", 0.05)
    issuer.open.clear()
    assert "cannot be fetched" in await refuse_now(keys, RSA)
    issuer.open.set()


async def test_the_keys_stay_while_the_issuer_is_away_but_not_for_ever(
    keys: IssuerKeys, issuer: SlowIssuer, time: SetTime
) -> None:
    await keys.find(RSA)
    issuer.fault = "gone"
    for _ in range(int(KEPT_S / 1_800)):
        time.now_s += 1_800
        assert await keys.find(RSA) is not None
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert keys.failure_count > 5
    assert "Try again in a minute" in await refuse_now(keys, NEW)  # perhaps the issuer has such a key by now
    time.now_s += 1
    await refuse_now(keys, RSA)
    issuer.fault = ""
    time.now_s += TRIED_EVERY_S
    assert await keys.find(RSA) is not None


async def test_an_issuer_that_was_never_there_is_told_from_a_bad_token(keys: IssuerKeys, issuer: SlowIssuer) -> None:
    issuer.fault = "gone"
    detail = await refuse_now(keys, RSA)
    assert detail.startswith("The access token cannot be checked now, because the keys of the provider ci")
    assert await refuse_now(keys, RSA) == detail  # at once, because it was asked a moment ago
    assert keys.failure_count == 1


async def test_what_is_wrong_with_an_issuer_is_logged_once_and_so_is_its_return(
    keys: IssuerKeys, issuer: SlowIssuer, time: SetTime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "padron.providers")
    issuer.fault = "id.example did not answer within 5 seconds"
    for _ in range(3):
        await refuse_now(keys, RSA)
        time.now_s += TRIED_EVERY_S
    issuer.fault = ""
    await keys.find(RSA)
    assert [record.getMessage() for record in caplog.records] == [
        "The keys of the provider ci cannot be fetched: id.example did not answer within 5 seconds",
        "The keys of the provider ci were fetched again",
    ]


async def test_an_issuer_without_openid_connect_has_its_metadata_where_oauth_puts_it(
    keys: IssuerKeys, issuer: SlowIssuer
) -> None:
    issuer.documents[OAUTH_METADATA] = issuer.documents.pop(METADATA)
    assert await keys.find(RSA) is not None
    assert issuer.asked == [METADATA, OAUTH_METADATA, KEY_SET]


@pytest.mark.parametrize(
    "metadata, fault",
    [
        (b"no", "its metadata is not JSON"),
        (b"[" * 60_000, "its metadata is not JSON"),
        (b"[]", "its metadata names another issuer than the configuration"),
        ({"issuer": f"{ISSUER}/", "jwks_uri": KEY_SET}, "its metadata names another issuer than the configuration"),
        ({"jwks_uri": KEY_SET}, "its metadata names another issuer than the configuration"),
        ({"issuer": ISSUER}, "its metadata has no jwks_uri"),
        ({"issuer": ISSUER, "jwks_uri": 7}, "its metadata has no jwks_uri"),
        ({"issuer": ISSUER, "jwks_uri": "http://keys.example/"}, "must begin with https://"),
        ({"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"}, "is not a URL that begins with https://"),
        ({"issuer": ISSUER, "jwks_uri": "https://a@keys.example/"}, "has a user"),
    ],
)
async def test_metadata_that_cannot_be_trusted_leads_to_no_keys(
    keys: IssuerKeys, issuer: SlowIssuer, caplog: pytest.LogCaptureFixture, metadata: bytes | Json, fault: str
) -> None:
    issuer.documents[METADATA] = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
    await refuse_now(keys, RSA)
    assert fault in caplog.text
    assert KEY_SET not in issuer.asked


@each_row(
    "entry",
    [
        describe(make_rsa(1_024), kid="rsa"),
        describe(make_rsa(), kid="rsa", use="enc"),
        describe(make_rsa(), kid="rsa", key_ops=["sign"]),
        describe(make_rsa(), kid="rsa", key_ops="verify"),
        describe(make_rsa(), kid="rsa", alg="RS512"),
        describe(make_rsa(), kid="rsa", alg="RSA-OAEP"),
        describe(make_rsa(), kid=["rsa"]),
        describe(make_rsa(), kid="rsa", d="AQAB"),
        describe(make_rsa(), kid="rsa", e="AQ"),
        describe(make_rsa(), kid="rsa", e="AAAA"),
        describe(make_rsa(), kid="rsa", e="A" * 4_000),
        describe(make_rsa(), kid="rsa", n="A" * 4_000),
        describe(make_rsa(), kid="rsa", n="!!"),
        describe(make_rsa(), kid="rsa", n=encode_number(2**2_046 + 1)),
        describe(make_rsa(), kid="rsa", n=7),
        describe(make_rsa(), kid="rsa", kty="EC"),
        describe(make_rsa(), kid="rsa", kty=["RSA"]),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "rsa", "alg": "RS256"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "rsa", "alg": "HS256"},
        describe(make_ec("P-521"), kid="rsa"),
        describe(make_ec(), kid="rsa", crv="P-256K"),
        describe(make_ec(), kid="rsa", x="AAAA"),
        describe(make_ed25519(), kid="rsa", crv="X25519"),
        "rsa",
        None,
    ],
)
def test_a_key_that_must_not_be_used_is_none(entry: object) -> None:
    good = describe(make_ec(), kid="ec")
    keys = parse_key_set(json.dumps({"keys": [entry, good]}).encode(), DEFAULT_ALGORITHMS)
    assert len(keys) == 1
    assert keys.find(WantedKey(kid="ec", algorithm=Algorithm.ES256)) is not None
    assert keys.find(RSA) is None
    with pytest.raises(SourceError, match="no public key for the configured algorithms"):
        parse_key_set(json.dumps({"keys": [entry]}).encode(), DEFAULT_ALGORITHMS)


def test_members_of_a_key_that_nobody_needs_are_never_looked_at() -> None:
    entry = describe(make_rsa(), kid="rsa", x5c=["no certificate"], x5u="http://evil.example", jku=7, ext=True)
    assert parse_key_set(json.dumps({"keys": [entry]}).encode(), DEFAULT_ALGORITHMS).find(RSA) is not None


def test_the_first_of_two_keys_with_one_name_counts_and_the_kind_tells_them_apart() -> None:
    entries = [describe(make_rsa(), kid="a"), describe(make_rsa(2_048, 1), kid="a"), describe(make_ec(), kid="a")]
    keys = parse_key_set(json.dumps({"keys": entries}).encode(), DEFAULT_ALGORITHMS)
    first = keys.find(WantedKey(kid="a", algorithm=Algorithm.RS256))
    assert first is not None
    assert first.as_dict()["n"] == describe(make_rsa())["n"]
    assert keys.find(WantedKey(kid="a", algorithm=Algorithm.ES256)) is not None


@each_row("content", [b"", b"no", b"[]", b"{}", b'{"keys": {}}', b"[" * 60_000, b"\xff"])
def test_what_is_no_key_set_is_refused(content: bytes) -> None:
    with pytest.raises(SourceError):
        parse_key_set(content, DEFAULT_ALGORITHMS)
