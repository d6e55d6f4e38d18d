"""For whom browsers make passkeys here: the configured address of this server, or the host that a request names.

A wrong ``Host`` gains nobody anything: a browser signs with a passkey only on the pages of the passkey's own host.
"""

from padron.domain.errors import Code, PadronError
from padron.domain.passkeys import Party, give_party
from padron.service.runtime import Runtime


def find_party(runtime: Runtime, origin: str) -> Party | None:
    """Give whom a browser at this origin makes passkeys for; None where passkeys do not work."""
    return give_party(origin, runtime.authenticator.access_tokens.providers.resource)


def get_party(runtime: Runtime, origin: str) -> Party:
    """Give whom a browser at this origin makes passkeys for. Raises ``bad_parameters`` where passkeys do not work."""
    party = find_party(runtime, origin)
    if party is None:
        raise PadronError(Code.BAD_PARAMETERS, "Passkeys do not work at this address. Open the server by its name.")
    return party
