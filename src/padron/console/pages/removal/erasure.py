"""Erasing personal values: what would be erased is shown first, because nobody can bring it back.

What was typed is never in an address, because it may be somebody's name.
"""

from dataclasses import dataclass

from padron.console.declarations import ConsoleRoute
from padron.console.fields import Fields, Pair, tidy_text
from padron.console.replies import show
from padron.console.visits import PageVisit
from padron.domain.account import Scope
from padron.domain.change import REASON_LENGTH_MAX, parse_reason
from padron.domain.erasure import PERSONAL_FIELDS, Selection, parse_fields
from padron.domain.errors import Code, PadronError
from padron.domain.vehicle import FIELDS_BY_NAME, check_text
from padron.domain.vin import parse_vin
from padron.mounting import MountedReply
from padron.service.vehicles.erasure import VEHICLES_MAX, Erasure, erase_values

SHOWN_MAX = 50  # vehicles that the page names
VALUE_LENGTH_MAX = max(FIELDS_BY_NAME[name].length_max or 0 for name in PERSONAL_FIELDS)

_PATH = "/console/erasure"
_BAD_REQUEST = 400
_EXPLAINED = frozenset({Code.BAD_PARAMETERS, Code.VEHICLE_NOT_FOUND})


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedErasure:
    """The form as it was typed."""

    vin: str
    value: str
    fields: tuple[str, ...]
    reason: str

    @classmethod
    def read(cls, fields: Fields) -> "TypedErasure":
        """Give what a form holds."""
        return cls(
            vin=fields.get("vin").strip(),
            value=fields.get("value") if fields.get("value").strip() else "",
            fields=tuple(fields.get_all("field")),
            reason=fields.get("reason"),
        )

    def list_pairs(self) -> list[Pair]:
        """Give the fields again, for the form that confirms."""
        return [
            Pair("vin", self.vin),
            Pair("value", self.value),
            Pair("reason", self.reason),
            *(Pair("field", name) for name in self.fields),
        ]


async def show_form(visit: PageVisit) -> MountedReply:
    """GET /console/erasure. The address may name a VIN, but no value."""
    return _show_form(visit, TypedErasure(vin=visit.query.get("vin"), value="", fields=PERSONAL_FIELDS, reason=""))


async def show_form_again(visit: PageVisit) -> MountedReply:
    """Give the form as it was typed before the session ended."""
    return _show_form(visit, TypedErasure.read(visit.form), note="sign_in.typed_again")


async def erase(visit: PageVisit) -> MountedReply:
    """POST /console/erasure: show what would be erased, or do it once it is confirmed."""
    typed = TypedErasure.read(visit.form)
    is_confirmed = visit.form.is_confirmed
    if visit.form.is_sent_back:
        return _show_form(visit, typed)
    try:
        asked = parse_erasure(visit, typed)
        report = await erase_values(visit.runtime, visit.principal, asked, dry_run=not is_confirmed)
    except PadronError as error:
        if error.code not in _EXPLAINED:
            raise
        return _show_form(visit, typed, problem=error)
    return show(
        visit,
        "erasure-report.html",
        report=report,
        shown=report.vehicles[:SHOWN_MAX],
        is_done=is_confirmed,
        typed=typed,
        pairs=typed.list_pairs(),
        vehicles_max=VEHICLES_MAX,
    )


def parse_erasure(visit: PageVisit, typed: TypedErasure) -> Erasure:
    """Give the erasure that a form means. Raises ``bad_parameters``."""
    if not typed.vin and not typed.value:
        raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("erase.no_target"))
    if not typed.fields:
        raise PadronError(Code.BAD_PARAMETERS, visit.wording.say("erase.no_field"))
    check_text("value", typed.value, VALUE_LENGTH_MAX, allowed="\n")
    return Erasure(
        vin=parse_vin(typed.vin) if typed.vin else None,
        selection=Selection(fields=parse_fields(typed.fields), value=typed.value or None),
        by=visit.principal.actor,
        request_id=visit.request_id,
        reason=parse_reason(tidy_text(typed.reason)),
    )


def _show_form(
    visit: PageVisit, typed: TypedErasure, *, problem: PadronError | None = None, note: str = ""
) -> MountedReply:
    return show(
        visit,
        "erasure.html",
        status=_BAD_REQUEST if problem else 200,
        typed=typed,
        fields=PERSONAL_FIELDS,
        value_max=VALUE_LENGTH_MAX,
        reason_max=REASON_LENGTH_MAX,
        problem=problem,
        note=note,
    )


ROUTES = (
    ConsoleRoute(method="GET", path=_PATH, endpoint=show_form, scope=Scope.VEHICLES_ERASE),
    ConsoleRoute(method="POST", path=_PATH, endpoint=erase, scope=Scope.VEHICLES_ERASE, show_again=show_form_again),
)
