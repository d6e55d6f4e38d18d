"""Finds what a visitor prefers: what they chose, else what their browser says."""

from collections.abc import Mapping

from padron.console import cookies
from padron.console.visits import Preferences, Theme
from padron.console.wording.wording import WORDINGS, choose_language
from padron.console.zones import UTC_ZONE, find_zone
from padron.domain.language import Language
from padron.domain.people import User
from padron.mounting import MountedRequest

LANGUAGES = frozenset(language.value for language in Language)
THEMES = frozenset(theme.value for theme in Theme)


def find_preferences(request: MountedRequest, kept: Mapping[str, str], user: User | None) -> Preferences:
    """Give the preferences of a visitor with these cookies, who may be a known person."""
    chosen = None if user is None else user.language
    language = next((one for one in (chosen, kept.get(cookies.LANGUAGE)) if one in LANGUAGES), None)
    own_zone = find_zone(None if user is None else user.time_zone)
    own_theme = None if user is None else user.theme
    theme = next((one for one in (own_theme, kept.get(cookies.THEME)) if one in THEMES), None)
    return Preferences(
        wording=WORDINGS[
            choose_language(request.headers.get("accept-language", "")) if language is None else Language(language)
        ],
        zone=own_zone or find_zone(_decode(kept.get(cookies.ZONE, ""))) or UTC_ZONE,
        theme=Theme.AUTO if theme is None else Theme(theme),
        is_zone_chosen=own_zone is not None,
    )


def _decode(zone: str) -> str:
    """Give the name of a zone. The script writes the slash of a name as it is, and other browsers may quote it."""
    return zone.strip('"').replace("%2F", "/")
