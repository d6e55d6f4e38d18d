"""Counts the answers of one process, on every way out: by route and status, and the refusals by their kind."""

from collections import Counter
from collections.abc import Sequence
from time import perf_counter

from starlette.types import Message, Send

from padron.http.answers.replies import Reply
from padron.http.calls import Call, Request
from padron.http.watching.access_log import AccessLog, Answered
from padron.meters import Family, FamilyKind, Histogram, give_counters
from padron.traces import RequestSpan, TracedAnswer

CLIENT_GONE = 499  # nobody was there to take an answer; the number is nginx's
OTHER_METHOD = "_OTHER"  # as OpenTelemetry names it, because a client may invent methods without end
NO_ROUTE = ""  # of an address that does not exist, or a request that could not be read

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class Sent:
    """What was sent so far as the answer to one request."""

    __slots__ = ("_send", "byte_count", "problem", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = CLIENT_GONE  # until there is an answer to send
        self.byte_count = 0  # of the body
        self.problem = ""

    async def pass_on(self, message: Message) -> None:
        """Send a message of the answer."""
        await self._send(message)
        self.byte_count += len(message.get("body", b""))


class Tally:
    """The answers of one process."""

    def __init__(self, access_log: AccessLog | None = None) -> None:
        self._access_log = access_log
        self._durations_s: dict[tuple[str, str, int], Histogram] = {}
        self._problems: Counter[str] = Counter()

    def note(self, call: Call, route: str, status: int, byte_count: int, problem: str = "") -> None:
        """Count the answer to a call. ``byte_count`` is that of the body, and ``problem`` the kind of a refusal."""
        request = call.request
        if request.is_noted:  # the connection itself refused it before
            return
        now_s = perf_counter()
        duration_s = now_s - request.began_s
        # This runs for each status call. So it looks up once, and does by itself what ``_count`` does.
        histogram = self._durations_s.get((request.method, route, status))
        if histogram is None or problem:
            self._count(request.method, route, status, problem, duration_s)
        else:
            histogram.observe(duration_s)
        span = request.span
        if span is not None:
            _end_span(span, call, route, status, problem)
        log = self._access_log
        if log is None:
            return
        stands_for = log.take(status, now_s)
        if stands_for:
            principal = call.principal if hasattr(call, "principal") else None
            answered = Answered(
                method=_name(request.method),
                route=route,
                status=status,
                duration_s=duration_s,
                byte_count=0 if request.method == "HEAD" else byte_count,
                request_id=call.request_id,
                account_id=None if principal is None else principal.account_id,
                key_id=None if principal is None else principal.actor,
                client=request.client_address if principal is None else "",
                problem=problem,
                trace_id="" if span is None else span.context.trace_id,
            )
            log.write(answered, stands_for)

    def note_refusal(self, request: Request, reply: Reply, request_id: str) -> None:
        """Count a refusal of the connection itself, which knows no route and no key."""
        request.is_noted = True
        now_s = perf_counter()
        duration_s = now_s - request.began_s
        self._count(request.method, NO_ROUTE, reply.status, reply.problem, duration_s)
        span = request.span
        if span is not None:
            span.end(
                TracedAnswer(
                    method=_name(request.method),
                    route=NO_ROUTE,
                    scheme=request.scheme,
                    status=reply.status,
                    problem=reply.problem,
                )
            )
        if self._access_log is None:
            return
        stands_for = self._access_log.take(reply.status, now_s)
        if stands_for:
            answered = Answered(
                method=_name(request.method),
                route=NO_ROUTE,
                status=reply.status,
                duration_s=duration_s,
                byte_count=len(reply.body),
                request_id=request_id,
                client=request.client_address,
                problem=reply.problem,
                trace_id="" if span is None else span.context.trace_id,
            )
            self._access_log.write(answered, stands_for)

    def give_families(self) -> Sequence[Family]:
        """Give the counts so far."""
        return (
            Family(
                name="http_server_request_duration_seconds",
                meaning="How long answers took, from the end of a request's head to the end of its answer.",
                kind=FamilyKind.HISTOGRAM,
                labels=("http_request_method", "http_route", "http_response_status_code"),
                samples={
                    (method, route, str(status)): histogram.copy()
                    for (method, route, status), histogram in self._durations_s.items()
                },
            ),
            give_counters(
                "padron_problems_total", "Refusals by their kind, as in their type: /errors/{problem}.", "problem",
                dict(self._problems),
            ),
        )  # fmt: skip

    def _count(self, method: str, route: str, status: int, problem: str, duration_s: float) -> None:
        key = (_name(method), route, status)
        histogram = self._durations_s.get(key)
        if histogram is None:
            histogram = self._durations_s[key] = Histogram()
        histogram.observe(duration_s)
        if problem:
            self._problems[problem] += 1


def _end_span(span: RequestSpan, call: Call, route: str, status: int, problem: str) -> None:
    span.end(
        TracedAnswer(
            method=_name(call.request.method),
            route=route,
            scheme=call.request.scheme,
            status=status,
            problem=problem,
            account_id=call.principal.account_id if hasattr(call, "principal") else None,
        )
    )


def _name(method: str) -> str:
    return method if method in _METHODS else OTHER_METHOD
