"""How much the tests try at random: little in `make test`, much in `make torture`. All those numbers are here.

``PADRON_TORTURE`` chooses the long form; it holds the seed of the round. A test that takes a number from here bears the
mark ``campaign``, unless it is one of Hypothesis' own, which that marks itself.
"""

import os
import random
from typing import TypeVar

from hypothesis import HealthCheck, settings

T = TypeVar("T")

_SEED = os.environ.get("PADRON_TORTURE")
IS_TORTURE = _SEED is not None
_TRIAL_MINUTES = float(os.environ.get("PADRON_TRIAL_MINUTES", "10"))
TORTURE_TIMEOUT_S = 1_800 + 60 * int(_TRIAL_MINUTES)  # for each test


def _choose(short: T, long: T) -> T:
    return long if IS_TORTURE else short


def roll(number: int) -> random.Random:
    """Give dice that fall in the short form as they always do, and otherwise in each round of torture."""
    return random.Random(number if _SEED is None else f"{_SEED} {number}")


def try_examples(count: int) -> settings:
    """Give the settings of a property for which each example takes long. No example is kept for the next run."""
    return settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))


# Hypothesis: examples of a property
PROPERTY = _choose(12, 1_000)
STORE_MACHINE = _choose(10, 150)
STORE_MACHINE_STEPS = 50  # at most, in each example
PLANS_MACHINE = _choose(10, 150)
PLANS_MACHINE_STEPS = 30
LIST_QUESTIONS = _choose(25, 2_000)
PAGE_SIZES = _choose((7,), (1, 5, 100))
REPAIR_HISTORIES = _choose(12, 300)
UNDO_HISTORIES = _choose(15, 400)
PAST_HISTORIES = _choose(8, 300)
ROUND_TRIPS = _choose({"sqlite": 12, "postgres": 6}, {"sqlite": 200, "postgres": 100})
FILE_FORMS = _choose(7, 200)

# Requests generated from the document, for each operation and each way of generating
DOCUMENT_CASES = _choose(3, 100)
DOCUMENT_CASES_WITHOUT_KEY = _choose(2, 10)
BOTH_ENGINES_REQUESTS = _choose(1_000, 5_000)
TWO_WAYS_REQUESTS = _choose(500, 2_000)

# Races: changes, or seconds
EXCLUSION_CHANGES = _choose(500, 20_000)
LOCAL_GATE_CHANGES = _choose(300, 20_000)
LOCAL_GATE_MISHAPS = _choose(1, 8)  # of each kind
WITHDRAWAL_CHANGES = _choose(200, 10_000)
REPLICA_RACE_S = _choose(2.0, 20.0)
CANCELLED_CALLS = _choose(80, 5_000)
HANG_UPS = _choose(60, 1_000)

# Servers that are killed or stopped under load
KILLS = _choose({"sqlite": 3, "postgres": 1}, {"sqlite": 30, "postgres": 15})
FOLLOWER_ENDS = _choose((True, False), (True, False) * 6)  # how a server is ended, in turn: killed?
FOLLOWER_ANSWERS = _choose(40, 400)  # between two such ends
LATE_MIRRORS = _choose(2, 8)  # of each account and kind
LOG_KILLS = _choose(2, 20)
DAMAGES = _choose(3, 60)  # of each kind, with and without the check of the whole file
BACKUP_KILLS = _choose(2, 40)
RESENT_KILLS = _choose({"sqlite": 2, "postgres": 2}, {"sqlite": 20, "postgres": 20})
SAME_KEY_TURNS = _choose(5, 60)
WEBHOOK_ENDS: dict[str, tuple[tuple[bool, ...], ...]] = _choose(  # of each server that runs then, in turn: killed?
    {"sqlite": ((False,), (True,)), "postgres": ((False,), (True, True))},
    {
        "sqlite": ((False,), (True,), (False,), (True,)) * 3,
        "postgres": ((False,), (True,), (False,), (True, True)) * 3,
    },
)
ARCHIVE_KILLS = _choose(3, 60)
TRIAL_S = _choose(0.0, 60 * _TRIAL_MINUTES)  # everything happens once at least
TRIAL_SLOW_S = _choose(2.0, 4.0)  # how long a slow client stays
TRIAL_FULL_S = _choose((0.1, 0.5), (0.3, 3.0))  # how long the disk stays full
TRIAL_CALM_S = _choose((0.0, 0.5), (0.5, 8.0))  # between two mishaps
IMPORT_ROWS = _choose(1_200, 20_000)
FILE_KILLS = _choose(1, 4)
IMPORT_KILLS = _choose({"sqlite": 2, "postgres": 2}, {"sqlite": 4, "postgres": 4})
SELECTED_VEHICLES = _choose(1_500, 10_000)

BACKUP_FLIPS = _choose(10, 3_000)  # flipped bits, each with a restore

# Sizes
SLOW_CLIENTS = _choose(150, 500)
SLOW_CLIENT_ANSWERS = _choose(600, 10_000)  # to others, each time
ARCHIVED_RECORDS = _choose(1, 20)
ARCHIVED_CHANGES = _choose(120, 400)
PAST_INSTANTS = _choose(5, 40)
REPORT_VEHICLES = _choose(600, 3_000)
PLANNED_VEHICLES = _choose(12_000, 20_000)
MEMORY_ROWS = _choose(1_800, 60_000)
LINEAR_CHARACTERS = _choose(512, 4_096)
CODE_POINT_STEP = _choose(19, 1)  # from the first ideograph on, all before are tried

PROFILE = "padron"
settings.register_profile(
    PROFILE,
    deadline=None,  # tests don't time: on a busy machine an example may take long, and so may making one
    max_examples=PROPERTY,
    suppress_health_check=[HealthCheck.too_slow],
)
