"""The errors of selections."""

from padron.domain.errors import Code
from padron.http.answers.problem import Problem

SELECTION_NOT_FOUND = Problem(
    slug="selection-not-found", status=404, title="Selection not found", error_type="notFound",
    error_detail="SelectionNotFound",
    meaning="The account has no selection with this id, or the selection has expired. The answer is the same for "
    "another account's selection.",
    remedy="Make a new selection with POST /api/v2/selections.",
)  # fmt: skip
SELECTION_ENDED = Problem(
    slug="selection-ended", status=409, title="Selection in use", error_type="conflict",
    error_detail="SelectionEnded",
    meaning="The selection was applied already, or is being applied. A selection is applied once.",
    remedy="Read the selection to see how far it is. For another change, make a new selection.",
)  # fmt: skip
SELECTION_CHANGED = Problem(
    slug="selection-changed", status=409, title="Selection changed", error_type="conflict",
    error_detail="SelectionChanged",
    meaning="Vehicles of the selection have changed since they were shown, or the digest is not the selection's. "
    "Nothing was changed. The member `changed` names the vehicles, and `digest` names the selection as it is now.",
    remedy="Show what changed, and send the request again with the new digest if the change is still wanted.",
)  # fmt: skip
SELECTION_LIMIT_REACHED = Problem(
    slug="selection-limit-reached", status=409, title="Too many selected", error_type="conflict",
    error_detail="SelectionLimitReached",
    meaning="The selection would have too many vehicles, or the account already has the maximum of selections.",
    remedy="Narrow the filter, or delete a selection that is over.",
)  # fmt: skip

SELECTION_PROBLEMS: dict[Code, Problem] = {
    Code.SELECTION_NOT_FOUND: SELECTION_NOT_FOUND,
    Code.SELECTION_ENDED: SELECTION_ENDED,
    Code.SELECTION_CHANGED: SELECTION_CHANGED,
    Code.SELECTION_LIMIT_REACHED: SELECTION_LIMIT_REACHED,
}
