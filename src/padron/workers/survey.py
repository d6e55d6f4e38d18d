"""Looks at what waits in the register from time to time, so that a scrape need not wait for the database."""

import logging
from collections.abc import Sequence

from padron.domain.surveys import Survey
from padron.meters import Family
from padron.service.runtime import Runtime
from padron.service.watching.survey import give_survey_families, survey_register
from padron.workers.base import Worker

LOOK_EVERY_S = 10.0

_log = logging.getLogger("padron.metrics")


class SurveyWorker(Worker):
    """Keeps the last look. While the database cannot be asked, its figures are absent: an old figure would be wrong."""

    stop_s_max = 0.0

    def __init__(self, runtime: Runtime, *, every_s: float = LOOK_EVERY_S) -> None:
        super().__init__("survey", _log, "what waits in the register cannot be counted")
        self._runtime = runtime
        self._every_s = every_s
        self._last: Survey | None = None
        runtime.meters.add(self._give_families)

    async def _look(self) -> float:
        try:
            self._last = await survey_register(self._runtime)
        except Exception:
            self._last = None
            raise
        return self._every_s

    def _give_families(self) -> Sequence[Family]:
        return () if self._last is None else give_survey_families(self._runtime, self._last)
