"""The first page, the style sheet and the scripts."""

from padron.console.declarations import Access, ConsoleRoute
from padron.console.pages.errors import show_missing
from padron.console.pages.signing_in import HOME
from padron.console.replies import redirect, send_file
from padron.console.visits import PageVisit
from padron.mounting import MountedReply


async def get_file(visit: PageVisit) -> MountedReply:
    """GET /console/assets/{version}/{name}."""
    return send_file(visit, visit.parameters["version"], visit.parameters["name"]) or show_missing(visit)


async def get_home(visit: PageVisit) -> MountedReply:
    """GET /console."""
    return redirect(visit, HOME)


ROUTES = (
    ConsoleRoute(method="GET", path="/console", endpoint=get_home),
    ConsoleRoute(method="GET", path="/console/assets/{version}/{name}", endpoint=get_file, access=Access.FILE),
)
