"""Renders the pages. Every value is escaped, and a name that a template does not get is an error."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from padron.console.agents import name_agent
from padron.console.asset_files import load_assets
from padron.console.fields import write_query
from padron.console.guarding import make_token
from padron.console.menu import PLACES
from padron.console.own_reasons import word_reason
from padron.console.sentences import find_suggestion, say_detail
from padron.console.visits import PageVisit
from padron.console.zones import list_zones
from padron.domain.account import Scope
from padron.domain.instants import format_instant
from padron.domain.status import VehicleStatus, is_operational
from padron.domain.tags import format_tag
from padron.domain.vehicle import suggest_plate

if TYPE_CHECKING:
    from jinja2 import Environment


def prepare() -> None:
    """Read and compile all templates and files, so that no later request waits for the disk. Call it on a thread."""
    load_assets()
    list_zones()
    templates = open_templates()
    for name in templates.list_templates():
        templates.get_template(name)


def render(visit: PageVisit, template: str, values: Mapping[str, object]) -> Iterator[str]:
    """Give the text of a page in small pieces. Each is made when it is asked for."""
    wording = visit.wording
    zone = visit.preferences.zone
    return (
        open_templates()
        .get_template(template)
        .generate(
            visit=visit,
            wording=wording,
            say=wording.say,
            number=wording.write_number,
            instant=lambda at: wording.write_instant(at, zone),
            coming=lambda at: wording.write_coming(at, zone),
            day=lambda at: wording.write_day(at, zone),
            exact=wording.write_exact,
            ago=lambda at: wording.write_distance(at, visit.now),
            link=visit.link,
            asset=lambda name: visit.link(f"/console/assets/{load_assets().version}/{name}"),
            menu=[place for place in PLACES if visit.may(place.scope)],
            here=give_here(visit),
            layout="part.html" if visit.is_fragment else "whole.html",
            csrf_token=make_token(visit.form_seed),
            **values,
        )
    )


def give_here(visit: PageVisit) -> str:
    """Give the address to come back to; empty for the answer to a form, which has none."""
    return "" if visit.request.method == "POST" else f"{visit.request.path}{write_query(visit.query)}"


@cache
def open_templates() -> "Environment":
    """Give the compiled templates."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - a server starts faster without it

    environment = Environment(
        loader=PackageLoader("padron.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["Scope"] = Scope
    environment.globals["is_operational"] = is_operational
    environment.globals["VehicleStatus"] = VehicleStatus
    environment.filters["iso"] = format_instant
    environment.filters["tag"] = format_tag
    environment.filters["browser"] = name_agent
    environment.filters["reason"] = word_reason
    environment.filters["field_name"] = lambda name, wording: wording.name_field(name)
    environment.filters["bare_plate"] = suggest_plate
    environment.filters["suggestion"] = find_suggestion
    environment.filters["said"] = say_detail
    return environment
