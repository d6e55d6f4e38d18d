"""Where clients learn whose access tokens this server takes (RFC 9728)."""

from padron.domain.account import Scope
from padron.http.answers import problems
from padron.http.answers.errors import METADATA_PATH
from padron.http.answers.problem import ProblemError
from padron.http.answers.replies import Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Route, Success
from padron.http.shapes.health import ResourceMetadataShape


async def get_resource_metadata(call: Call) -> Reply:
    """GET /.well-known/oauth-protected-resource: whose access tokens this server takes."""
    providers = call.runtime.authenticator.access_tokens.providers
    if not call.runtime.authenticator.access_tokens.is_used:
        raise ProblemError(problems.PATH_NOT_FOUND, "There is nothing at this address. See /docs for the list.")
    shape = ResourceMetadataShape(
        resource=providers.resource,
        authorization_servers=[provider.issuer for provider in providers.listed if provider.audiences],
        scopes_supported=[scope.value for scope in Scope],
        bearer_methods_supported=["header"],
        resource_name="Padrón",
        resource_documentation=f"{providers.resource}/docs",
    )
    return build_json_reply(200, shape)


ROUTES: tuple[Route, ...] = (
    Route(
        name="getResourceMetadata", method="GET", path=METADATA_PATH, tag="System", public=True,
        summary="Whose access tokens does it take?",
        description="The protected resource metadata of RFC 9728: the identity providers whose access tokens can be "
        "sent instead of an API key. No key is needed. 404 if the operator has configured none.",
        endpoint=get_resource_metadata,
        answers={200: Success(description="The metadata.", body=ResourceMetadataShape)},
        problems=(problems.PATH_NOT_FOUND,),
    ),
)  # fmt: skip
