"""What operators do to the secrets of all webhooks: look which keys they need, and encrypt them with another key."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from padron.domain.webhook import EndpointKey
from padron.service.runtime import Runtime
from padron.service.webhooks.sealing import SecretBox, give_missing
from padron.store.base import WriteTransaction

PAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedSecrets:
    """How many endpoints need each key, by its mark; without a key under an empty mark. And which key encrypts."""

    counts: Mapping[str, int]
    sealing_mark: str


async def check_secrets(runtime: Runtime) -> None:
    """Return when every secret in the register can be read. Raises ``secret_key_missing``."""
    marks = await runtime.store.webhooks.count_marks()
    missing = [mark for mark in marks if mark and not runtime.secret_box.has(mark)]
    if missing:
        raise give_missing(missing)


async def count_secrets(runtime: Runtime) -> SealedSecrets:
    """Give which keys the secrets need. Raises ``secret_key_missing`` for a file that cannot be used."""
    return SealedSecrets(counts=await runtime.store.webhooks.count_marks(), sealing_mark=runtime.secret_box.read_mark())


async def seal_secrets(runtime: Runtime, box: SecretBox) -> int:
    """Store every secret in the form that ``box`` gives it, and give the number of endpoints that changed.

    The runtime's own box must be able to read them all. Raises ``secret_key_missing``, and nothing is lost then: the
    rest stays as it is, and can still be read with the old keys.
    """
    await check_secrets(runtime)
    mark = box.read_mark()
    after = EndpointKey(0, "")
    changed = 0
    while keys := await runtime.store.webhooks.list_other_marks(mark, after, PAGE):
        for key in keys:
            changed += await _seal_endpoint(runtime, box, key, mark)
        after = keys[-1]
    return changed


async def _seal_endpoint(runtime: Runtime, box: SecretBox, key: EndpointKey, mark: str) -> bool:
    async def work(transaction: WriteTransaction) -> bool:
        webhooks = transaction.webhooks
        endpoint = await webhooks.lock_endpoint(key.endpoint_id)
        if endpoint is None or endpoint.list_marks() == {mark}:
            return False
        former = endpoint.former_secret
        await webhooks.save_endpoint(
            replace(
                endpoint,
                secret=box.seal(runtime.secret_box.open(endpoint.secret)),
                former_secret=None if former is None else box.seal(runtime.secret_box.open(former)),
            )
        )
        return True

    return await runtime.store.write(key.account_id, work)
