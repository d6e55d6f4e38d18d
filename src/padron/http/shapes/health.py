"""The JSON form of what a server says about itself."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType


class TroubleShape(Struct):
    """Something that is wrong with the register: ``code`` is for programs, and ``detail`` is for people."""

    code: str
    detail: str


class HealthShape(Struct, omit_defaults=True):
    """The server answers. If it has a replica: whether the replica is fresh enough for reads, or is behind or gone.

    ``integrity`` says whether the check of the whole SQLite file goes on, or has found no damage.
    """

    status: Literal["ok"]
    replica: Literal["fresh", "behind"] | UnsetType = UNSET
    integrity: Literal["checking", "checked"] | UnsetType = UNSET
    warnings: list[TroubleShape] | UnsetType = UNSET


class ResourceMetadataShape(Struct):
    """Whose access tokens the server takes. The names are those of RFC 9728.

    ``authorization_servers`` are the issuers. A token is sent as ``bearer_methods_supported`` says.
    """

    resource: str
    authorization_servers: list[str]
    scopes_supported: list[str]
    bearer_methods_supported: list[str]
    resource_name: str
    resource_documentation: str
