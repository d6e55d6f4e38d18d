"""Says in the visitor's language what the program itself gave as a reason. What people wrote stays as it is."""

import re

from padron.console.wording.wording import Phrasing
from padron.domain.status import STATUS_TEXTS

_match_undo = re.compile(r"Undo of request (\S+)").fullmatch
_match_back = re.compile(r"Back from ([^,:]{1,60}), as planned(?:: (.*))?", re.DOTALL).fullmatch
_BY_NAME = {text.name: status for status, text in STATUS_TEXTS.items()}


def word_reason(reason: str, wording: Phrasing) -> str:
    """Give a reason for the page. It is escaped there, or already is."""
    if (undo := _match_undo(reason)) is not None:
        return wording.say("reason.undo", request=undo[1])
    back = _match_back(reason)
    status = None if back is None else _BY_NAME.get(back[1])
    if back is None or status is None:
        return reason
    name = wording.name_status(status)
    return (
        wording.say("reason.back_why", status=name, reason=back[2])
        if back[2]
        else wording.say("reason.back", status=name)
    )
