"""Lengths of time."""

from padron.console.wording.texts import PageTexts, Plural

ENGLISH: PageTexts = {
    "span.year": Plural("{count} year", "{count} years"),
    "span.month": Plural("{count} month", "{count} months"),
    "span.day": Plural("{count} day", "{count} days"),
    "span.hour": Plural("{count} hour", "{count} hours"),
    "span.minute": Plural("{count} minute", "{count} minutes"),
    "span.moment": "a moment",
    "span.now": "just now",
    "span.ago": "{span} ago",
    "span.ahead": "in {span}",
}

SPANISH: PageTexts = {
    "span.year": Plural("{count} año", "{count} años"),
    "span.month": Plural("{count} mes", "{count} meses"),
    "span.day": Plural("{count} día", "{count} días"),
    "span.hour": Plural("{count} hora", "{count} horas"),
    "span.minute": Plural("{count} minuto", "{count} minutos"),
    "span.moment": "un momento",
    "span.now": "ahora mismo",
    "span.ago": "hace {span}",
    "span.ahead": "en {span}",
}
