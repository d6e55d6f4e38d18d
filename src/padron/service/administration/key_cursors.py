"""The cursors of the list of API keys."""

from datetime import UTC, datetime, timedelta

from padron.domain.account import ApiKey
from padron.domain.administration import FIRST_KEY, KeyPlace
from padron.service.changes.cursors import decode_parts, encode_parts, give_refusal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT_MAX = 253_402_300_799_999_999  # the last microsecond of the year 9999
_ID_LENGTH_MAX = 40


def parse_key_cursor(epoch: str, cursor: str | None) -> KeyPlace:
    """Give the key that the page is after. Raises ``bad_parameters`` and ``cursor_gone``."""
    if cursor is None:
        return FIRST_KEY
    match decode_parts(epoch, cursor):
        case ["keys", int(microseconds), str(key_id)] if (
            0 <= microseconds <= _INSTANT_MAX and key_id.isascii() and key_id.isalnum() and len(key_id) < _ID_LENGTH_MAX
        ):
            return KeyPlace(created_at=_EPOCH + timedelta(microseconds=microseconds), key_id=key_id)
        case _:
            raise give_refusal()


def format_key_cursor(epoch: str, key: ApiKey) -> str:
    """Give the cursor that continues after this key."""
    return encode_parts(epoch, ["keys", (key.created_at - _EPOCH) // timedelta(microseconds=1), key.key_id])
