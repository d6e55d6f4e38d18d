"""Reasons that the program writes by itself. The record has them in English."""

from padron.console.wording.texts import PageTexts

ENGLISH: PageTexts = {
    "reason.undo": "Undo of request {request}",
    "reason.back": "Back from {status}, as planned",
    "reason.back_why": "Back from {status}, as planned: {reason}",
}

SPANISH: PageTexts = {
    "reason.undo": "Se deshizo la solicitud {request}",
    "reason.back": "Regreso de {status}, según lo programado",
    "reason.back_why": "Regreso de {status}, según lo programado: {reason}",
}
