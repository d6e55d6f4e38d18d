"""The errors of saved views."""

from padron.domain.errors import Code
from padron.http.answers.problem import Problem

VIEW_NOT_FOUND = Problem(
    slug="view-not-found", status=404, title="View not found", error_type="notFound", error_detail="ViewNotFound",
    meaning="The account has no shared view with this id. The answer is the same for what somebody else keeps for "
    "themselves, and for another account's view.",
    remedy="Read the views with GET /api/v2/views.",
)  # fmt: skip
VIEW_EXISTS = Problem(
    slug="view-exists", status=409, title="View exists", error_type="conflict", error_detail="ViewExists",
    meaning="Another view has this name. Letter case does not count.",
    remedy="Choose another name, or change that view with PUT /api/v2/views/{viewId}.",
)  # fmt: skip
VIEW_LIMIT_REACHED = Problem(
    slug="view-limit-reached", status=409, title="Too many views", error_type="conflict",
    error_detail="ViewLimitReached",
    meaning="The account shares the maximum of views already, or the person keeps the maximum.",
    remedy="Delete a view that nobody needs.",
)  # fmt: skip

VIEW_PROBLEMS: dict[Code, Problem] = {
    Code.VIEW_NOT_FOUND: VIEW_NOT_FOUND,
    Code.VIEW_EXISTS: VIEW_EXISTS,
    Code.VIEW_LIMIT_REACHED: VIEW_LIMIT_REACHED,
}
