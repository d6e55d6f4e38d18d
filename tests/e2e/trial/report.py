"""The figures of a trial, as one document."""

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

from tests.e2e.trial.parties import Stranger, Timing
from tests.e2e.trial.stage import Stage

SLOW_S = 1.0  # within this time another account's call is answered, whatever happens
FOLDER = Path(__file__).parents[3] / "build" / "trials"

Document = dict[str, Any]

_find_variable = re.compile(r"\[\d+\]|'[^']*'|/\S+|\d+").sub


def list_fair(stage: Stage, timings: list[Timing], settled_s: float = 0) -> list[Timing]:
    """Give the answers while a server was up and the disk had room."""
    return [one for one in timings if not stage.was_in_trouble(one.began_s, one.ended_s, settled_s)]


def build_report(stage: Stage, stranger: Stranger, began_s: float, ended_s: float) -> Document:
    """Give all figures."""
    timings = stranger.timings
    fair = sorted(list_fair(stage, timings), key=lambda one: one.seconds) or [Timing.nothing()]
    overslept = sorted(stranger.overslept_s) or [0.0]
    figures = stage.figures
    answers = Counter(f"{act.kind.value} {act.http or 'lost'}" for act in stage.ledger.acts)
    return {
        "engine": stage.engine,
        "seed": os.environ.get("PADRON_TORTURE", ""),
        "cores": os.cpu_count(),
        "minutes": round((ended_s - began_s) / 60, 2),
        "acts": dict(sorted(answers.items())),
        "counts": dict(sorted(figures.counts.items())),
        "worst_s": {name: round(seconds, 3) for name, seconds in sorted(figures.worst_s.items())},
        "worst_bytes": figures.worst_bytes,
        "stranger": {
            "answers": len(timings),
            "fair": len(fair),
            "median_ms": round(fair[len(fair) // 2].seconds * 1000, 2),
            "p99_ms": round(fair[int(len(fair) * 0.99)].seconds * 1000, 2),
            "p999_ms": round(fair[int(len(fair) * 0.999)].seconds * 1000, 2),
            "worst_ms": round(fair[-1].seconds * 1000, 2),
            "over_a_second": [
                [round(one.began_s - began_s, 2), round(one.seconds, 3), one.status]
                for one in fair if one.seconds > SLOW_S
            ],
            "statuses": dict(Counter(str(one.status) for one in timings)),
            "fair_statuses": dict(Counter(str(one.status) for one in fair)),
        },
        "this_process_woke_late": {
            "p99_ms": round(overslept[int(len(overslept) * 0.99)] * 1000, 2),
            "worst_ms": round(overslept[-1] * 1000, 2),
        },
        "notes": dict(figures.notes.most_common(40)),
        "log": dict(count_warnings(stage).most_common(40)),
    }  # fmt: skip


def count_warnings(stage: Stage) -> Counter[str]:
    """Count what the servers logged, but for what is normal. Numbers and names of files are left out."""
    found: Counter[str] = Counter()
    for log in stage.aside.glob("server-*.log"):
        for line in log.read_text("utf-8").splitlines():
            _, _, text = line.partition("Z ")
            if not text.startswith("INFO"):
                found[_find_variable(" ", text)[:160]] += 1
    return found


def save_report(document: Document) -> None:
    """Keep the figures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    (FOLDER / f"{document['engine']}-{document['seed'] or 'short'}.json").write_text(text + "\n", "utf-8")
