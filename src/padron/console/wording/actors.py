"""Who did something, as each language says it."""

from padron.console.wording.texts import PageTexts

ENGLISH: PageTexts = {
    "actor.key": "key {called}",
    "actor.cli": "command line",
    "actor.cli_user": "command line (user {called})",
    "actor.token": "token {called}",
    "actor.token_of": "token of {provider}",
    "actor.erased": "erased person",
}

SPANISH: PageTexts = {
    "actor.key": "clave {called}",
    "actor.cli": "línea de comandos",
    "actor.cli_user": "línea de comandos (usuario {called})",
    "actor.token": "token {called}",
    "actor.token_of": "token de {provider}",
    "actor.erased": "persona borrada",
}
