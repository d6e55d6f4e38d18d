"""The figures of the services of one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from padron.domain.file_import import ImportState
from padron.domain.sessions import SignInWay
from padron.domain.webhook import OffReason
from padron.meters import (
    Family,
    FamilyKind,
    give_counter,
    give_counters,
    give_gauge,
    give_gauges,
    give_histogram,
)
from padron.service.tokens.outcomes import TokenOutcome
from padron.service.watching.counts import AttemptEnd, SignIn, SignInEnd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from padron.service.runtime import Runtime

_ENDS = (ImportState.DONE, ImportState.FAILED)


def give_families(runtime: Runtime) -> Sequence[Family]:
    """Give the figures of the queues and the background work of this process, and those of its store."""
    counts, lanes = runtime.counts, runtime.lanes
    return (
        *runtime.store.give_families(),
        give_histogram(
            "padron_status_batch_size", "Status calls that were written together.", lanes.batch_sizes
        ),
        give_gauges(
            "padron_queue_length",
            "What waits in this process: status calls, followers of the feed, workers without work, refusals of the "
            "gate that are not stored yet, runs that are queued.",
            "queue",
            {
                "status_calls": lanes.waiting_count,
                "followers": runtime.watch.waiting_count,
                "workers": runtime.work_watch.waiting_count,
                "refusals": runtime.refusals.pending_count,
                "runs": runtime.queueing.waiting_count,
            },
        ),
        give_gauge("padron_keys_known", "API keys in use in the last seconds.", runtime.authenticator.known_count),
        give_gauge(
            "padron_key_lookups_under_way", "Unknown API keys that are looked up.", runtime.authenticator.lookup_count
        ),
        _give_sign_ins(runtime),
        give_counters(
            "padron_access_token_checks_total", "Access tokens that were checked, by what came of it.", "outcome",
            {outcome.value: runtime.authenticator.access_tokens.outcomes[outcome] for outcome in TokenOutcome},
        ),
        give_histogram(
            "padron_feed_lag_seconds",
            "From a change to the answer that shows it to a waiting follower of the feed.",
            counts.feed_lag_s,
        ),
        give_counters(
            "padron_webhook_attempts_total", "Attempts to deliver a change, by what came of them.", "outcome",
            {outcome.value: counts.attempts[outcome] for outcome in AttemptEnd},
        ),
        give_histogram("padron_webhook_attempt_duration_seconds", "How long an attempt took.", counts.attempt_s),
        give_histogram(
            "padron_webhook_lag_seconds", "From a change to its delivery to an endpoint.", counts.delivery_lag_s
        ),
        give_counters(
            "padron_webhook_endpoints_switched_off_total", "Endpoints that the server switched off.", "reason",
            {reason.value: counts.switched_off[reason] for reason in OffReason},
        ),
        give_counters(
            "padron_imports_ended_total", "Imports of files that ended here.", "state",
            {state.value: counts.imports_ended[state] for state in _ENDS},
        ),
        give_counter("padron_plans_ended_total", "Planned changes that were executed here.", counts.plans_ended),
        give_counter(
            "padron_database_outages_total", "Times when the database could not be used.", counts.outages
        ),
    )  # fmt: skip


def _give_sign_ins(runtime: Runtime) -> Family:
    counted = runtime.counts.sign_ins
    return Family(
        name="padron_sign_ins_total",
        meaning="Attempts of people and keys to sign in to the console, by how and by what came of them.",
        kind=FamilyKind.COUNTER,
        labels=("way", "outcome"),
        samples={(way.value, end.value): counted[SignIn(way, end)] for way in SignInWay for end in SignInEnd},
    )
