"""One request to the console: who asks, in which language and zone, and what they typed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from padron.console.fields import Fields, Pair, write_query
from padron.console.guarding import ACCOUNT_FIELD
from padron.console.uploads import BrowserUpload
from padron.console.wording.wording import Phrasing
from padron.domain.account import Principal, Scope
from padron.domain.errors import Code, PadronError
from padron.domain.sessions import Visitor
from padron.mounting import MountedRequest
from padron.service.people.sessions import Session
from padron.service.runtime import Runtime


class Theme(StrEnum):
    """The colours of the pages. AUTO follows the system."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, kw_only=True, slots=True)
class Preferences:
    """What somebody chose, or their browser says."""

    wording: Phrasing
    zone: ZoneInfo
    theme: Theme
    is_zone_chosen: bool  # otherwise it is the browser's, or UTC


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInOffer:
    """Another way to sign in, which the sign-in page offers: its name, and the page that begins it."""

    name: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PageVisit:
    """One request while it is answered. ``form`` is empty unless something was sent.

    ``token`` is the secret of the session's cookie. ``form_seed`` is what the tokens of forms are made from.
    """

    request: MountedRequest
    root_path: str
    offers: tuple[SignInOffer, ...]
    session: Session | None
    token: str | None
    preferences: Preferences
    now: datetime
    query: Fields
    form: Fields
    form_seed: str
    cookies: Mapping[str, str]
    upload: BrowserUpload | None = None  # the file of a form that may have one
    to_set: list[bytes] = field(default_factory=list)  # cookies that go out with the answer

    @property
    def runtime(self) -> Runtime:
        """The register's runtime."""
        return self.request.runtime

    @property
    def request_id(self) -> str:
        """The id of the request, which history, log and error pages show."""
        return self.request.request_id

    @property
    def wording(self) -> Phrasing:
        """The texts in the visitor's language."""
        return self.preferences.wording

    @property
    def signed_in(self) -> Session:
        """The session. Raises ``session_ended`` without one."""
        if self.session is None:
            raise PadronError(Code.SESSION_ENDED, "Sign in first.")
        return self.session

    @property
    def principal(self) -> Principal:
        """Who asks. Raises ``session_ended`` without a session."""
        return self.signed_in.principal

    def is_for_other_account(self, form: Fields) -> bool:
        """Say whether a form was made in another account than the session's present one."""
        named = form.get(ACCOUNT_FIELD)
        return bool(named) and self.session is not None and named != str(self.session.account_id)

    @property
    def visitor(self) -> Visitor:
        """Where the request came from, for the list of sessions and for the throttle."""
        return Visitor(address=self.request.client_address, agent=self.request.headers.get("user-agent", ""))

    @property
    def is_fragment(self) -> bool:
        """Say whether the script asks, which needs only the main part of the page."""
        return "x-fragment" in self.request.headers

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of the path."""
        return self.request.parameters

    def may(self, *scopes: Scope) -> bool:
        """Say whether the visitor has all of these scopes."""
        return self.session is not None and all(scope.value in self.session.principal.scopes for scope in scopes)

    def link(self, path: str, query: Iterable[Pair] = ()) -> str:
        """Give one of the console's addresses as the browser reaches it."""
        return f"{self.root_path}{path}{write_query(query)}"
