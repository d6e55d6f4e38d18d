"""Secrets of webhooks are encrypted in the database if there is a key, and none is ever lost."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.webhook import Answer, EndpointKey, EventType, Filter
from padron.secret_files import make_key
from padron.service.administration.secrets import check_secrets, count_secrets, seal_secrets
from padron.service.runtime import Runtime
from padron.service.webhooks import deliveries, endpoints, sealing
from padron.service.webhooks.sealing import SecretBox, give_mark
from padron.service.webhooks.sending import Message, NoSender
from tests.cast import HUMMER, Cast, registered, save
from tests.conftest import Select

OLD, NEW = make_key(), make_key()


class Keys:
    """A secret file whose content changes."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)
        self.reads = 0

    def __call__(self) -> list[str]:
        self.reads += 1
        return self.keys


def give_box(runtime: Runtime, *keys: str) -> Runtime:
    return replace(runtime, secret_box=SecretBox(Keys(*keys)))


async def add(runtime: Runtime, cast: Cast, url: str = "https://fleet.example/") -> tuple[EndpointKey, str]:
    endpoint = await endpoints.add_endpoint(
        runtime, cast.acme.principal, url=url, description="", chosen=Filter(event_types=frozenset(EventType))
    )
    return EndpointKey(cast.acme.account.account_id, endpoint.endpoint_id), endpoint.secret


async def read_stored(select: Select) -> list[str]:
    rows = await select("SELECT secret, former_secret FROM webhook_endpoints")
    return [str(one) for row in rows for one in row if one]


def test_what_is_sealed_opens_with_its_key_and_says_nothing() -> None:
    box = SecretBox(Keys(NEW, OLD))
    stored = box.seal("whsec_ñandú")
    assert stored != box.seal("whsec_ñandú")
    assert re.fullmatch(r"enc:[0-9a-f]{8}:[A-Za-z0-9_=-]+", stored)
    assert stored[4:12] == give_mark(NEW) == box.read_mark()
    assert box.open(stored) == "whsec_ñandú"
    assert SecretBox(Keys(OLD, NEW)).open(stored) == "whsec_ñandú"
    assert box.open("whsec_plain") == "whsec_plain"


def test_without_keys_nothing_is_sealed_and_what_is_sealed_is_refused() -> None:
    plain = SecretBox()
    assert plain.seal("whsec_a") == plain.open("whsec_a") == "whsec_a"
    for box in (plain, SecretBox(Keys(NEW))):
        with pytest.raises(PadronError, match=give_mark(OLD)) as refusal:
            box.open(SecretBox(Keys(OLD)).seal("whsec_a"))
        assert refusal.value.code is Code.SECRET_KEY_MISSING


def test_a_damaged_secret_is_refused_and_not_shown_wrong() -> None:
    box = SecretBox(Keys(NEW))
    stored = box.seal("whsec_a")
    for damaged in (stored[:-2], stored[:40] + ("A" if stored[40] != "A" else "B") + stored[41:]):
        with pytest.raises(PadronError, match="damaged"):
            box.open(damaged)


def test_a_key_that_is_added_to_the_file_is_found_without_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(OLD)
    box = SecretBox(keys)
    stored = SecretBox(Keys(NEW)).seal("whsec_a")
    for _ in range(50):
        assert not box.has(give_mark(NEW))
    assert keys.reads == 1  # not all the time
    keys.keys = [NEW, OLD]
    monkeypatch.setattr(sealing, "LOADED_EVERY_S", 0.0)
    assert box.open(stored) == "whsec_a"
    assert box.seal("x")[4:12] == give_mark(NEW)


async def test_a_new_secret_is_shown_in_plain_and_stored_sealed(runtime: Runtime, cast: Cast, select: Select) -> None:
    sealed = give_box(runtime, NEW)
    key, secret = await add(sealed, cast)
    assert secret.startswith("whsec_")
    (stored,) = await read_stored(select)
    assert stored.startswith(f"enc:{give_mark(NEW)}:")
    assert sealed.secret_box.open(stored) == secret
    rotated = await endpoints.rotate_secret(sealed, cast.acme.principal, key.endpoint_id)
    assert rotated.secret.startswith("whsec_")
    assert {sealed.secret_box.open(one) for one in await read_stored(select)} == {secret, rotated.secret}
    assert all(one.startswith("enc:") for one in await read_stored(select))


class Signed(NoSender):
    """Takes what would be sent."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def send(self, message: Message) -> Answer:
        self.messages.append(message)
        return Answer(status=204, error=None, duration=timedelta(0))


@pytest.mark.long("postgres")
async def test_a_sealed_secret_signs_and_one_without_its_key_is_a_failed_attempt(runtime: Runtime, cast: Cast) -> None:
    sender = Signed()
    sealed = replace(give_box(runtime, NEW), sender=sender)
    key, _ = await add(sealed, cast)
    await save(runtime.store, key.account_id, registered(HUMMER))
    assert await deliveries.claim_endpoint(sealed, key, "me")
    work = await deliveries.advance_endpoint(sealed, key, "me", [], frozenset(), 1)
    assert work is not None
    outcome = await deliveries.send(sealed, key.account_id, work.endpoint, work.due[0])
    assert outcome.answer.status == 204
    assert sender.messages[0].headers["webhook-signature"].startswith("v1,")
    failed = await deliveries.send(replace(runtime, sender=sender), key.account_id, work.endpoint, work.due[0])
    assert failed.answer.status is None
    assert give_mark(NEW) in str(failed.answer.error)
    assert len(sender.messages) == 1


@pytest.mark.long("postgres")
async def test_existing_secrets_are_sealed_rotated_and_opened_again_by_a_command(
    runtime: Runtime, cast: Cast, select: Select, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("padron.service.administration.secrets.PAGE", 2)
    secrets = {(await add(runtime, cast, f"https://fleet.example/{n}"))[1] for n in range(5)}
    key, _ = await add(runtime, cast, "https://fleet.example/rotated")
    secrets |= set(await read_stored(select))
    secrets.add((await endpoints.rotate_secret(runtime, cast.acme.principal, key.endpoint_id)).secret)
    for keys, box in (
        ([OLD], SecretBox(Keys(OLD))),
        ([NEW, OLD], SecretBox(Keys(NEW, OLD))),
        ([NEW], SecretBox()),
    ):
        with_keys = give_box(runtime, *keys)
        assert await seal_secrets(with_keys, box) == 6
        assert await seal_secrets(with_keys, box) == 0
        stored = await read_stored(select)
        assert {with_keys.secret_box.open(one) for one in stored} == secrets
        assert {one[4:12] if one.startswith("enc:") else "" for one in stored} == {box.read_mark()}
        await check_secrets(give_box(runtime, *keys[:1]))
        found = await count_secrets(with_keys)
        assert found.counts == {box.read_mark(): 6}
        assert found.sealing_mark == give_mark(keys[0])


@pytest.mark.long("postgres")
async def test_a_missing_key_is_named_and_nothing_is_changed(runtime: Runtime, cast: Cast, select: Select) -> None:
    await add(give_box(runtime, OLD), cast)
    await add(runtime, cast, "https://fleet.example/plain")
    before = await read_stored(select)
    for wrong in (runtime, give_box(runtime, NEW)):
        with pytest.raises(PadronError, match=give_mark(OLD)) as refusal:
            await check_secrets(wrong)
        assert refusal.value.code is Code.SECRET_KEY_MISSING
        with pytest.raises(PadronError):
            await seal_secrets(wrong, wrong.secret_box)
    assert await read_stored(select) == before
    await check_secrets(give_box(runtime, NEW, OLD))
