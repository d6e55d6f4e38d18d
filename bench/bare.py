"""The bare route for comparison: Starlette, the same path, 204, and nothing else."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def patch_status(_: Request) -> Response:
    """Answer 204."""
    return Response(status_code=204)


app = Starlette(routes=[Route("/api/v2/vehicles/{vin}/status", patch_status, methods=["PATCH"])])
