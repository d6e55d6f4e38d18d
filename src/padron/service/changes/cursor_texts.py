"""The text of a cursor: the epoch of the register that gave it, and its parts as JSON in base64."""

import base64
import binascii
import re

import msgspec

from padron.domain.errors import Code, PadronError

EPOCH_LENGTH = 8
_is_epoch = re.compile(f"[0-9a-f]{{{EPOCH_LENGTH}}}").fullmatch


def encode_cursor(epoch: str, parts: list[object]) -> str:
    """Give the text of a cursor."""
    return epoch + base64.urlsafe_b64encode(msgspec.json.encode(parts)).rstrip(b"=").decode()


def decode_cursor(epoch: str, cursor: str) -> list[object]:
    """Give the parts of a cursor. Raises ``bad_parameters``, and ``cursor_gone`` for one of another epoch."""
    given, rest = cursor[:EPOCH_LENGTH], cursor[EPOCH_LENGTH:]
    if _is_epoch(given) is None:
        given, rest = "", cursor  # an old cursor, from the time when cursors had no epoch
    try:
        raw = base64.b64decode(rest + "=" * (-len(rest) % 4), altchars=b"-_", validate=True)
        parts = msgspec.json.decode(raw, type=list[object])
    except (binascii.Error, ValueError, RecursionError) as error:
        raise refuse_cursor() from error
    if given != epoch:
        raise give_gone()
    return parts


def give_gone() -> PadronError:
    """Give the refusal of a cursor from another life of the register, or from beyond its end."""
    return PadronError(
        Code.CURSOR_GONE,
        "The cursor belongs to a state of the register that no longer exists, as after a restored backup. Start again "
        "without it: load the list from its first page, and follow the feed from the cursor that this page gives.",
    )


def refuse_cursor() -> PadronError:
    """Give the refusal of a text that is not a cursor of this list."""
    return PadronError(
        Code.BAD_PARAMETERS,
        "This list did not give the cursor for the same filters and order. Start again without the cursor.",
    )
