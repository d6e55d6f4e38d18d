"""The report of time in status."""

from padron.console.wording.texts import PageTexts, Plural

ENGLISH: PageTexts = {
    "times.title": "Time in status",
    "times.from": "From",
    "times.to": "To",
    "times.refused": "There is no report for this period.",
    "times.bad_day": "Give two days, such as 2026-11-01 and 2026-11-30.",
    "times.all": Plural("One vehicle", "All {count} vehicles together"),
    "times.share": "Share",
    "times.length": "Time",
    "times.reasons": "Why vehicles were not operational",
    "times.reason": "Reason",
    "times.no_reason": "no reason given",
    "times.no_downtime": "All vehicles were operational.",
    "times.each": "Each vehicle",
    "times.nothing": "There was no vehicle in this period.",
    "times.nothing_hint": "Choose another period, or register vehicles first.",
}

SPANISH: PageTexts = {
    "times.title": "Tiempo en cada estatus",
    "times.from": "Desde",
    "times.to": "Hasta",
    "times.refused": "No hay informe de este periodo.",
    "times.bad_day": "Indica dos días, como 2026-11-01 y 2026-11-30.",
    "times.all": Plural("Un vehículo", "Los {count} vehículos en conjunto"),
    "times.share": "Parte",
    "times.length": "Tiempo",
    "times.reasons": "Por qué hubo vehículos no operativos",
    "times.reason": "Motivo",
    "times.no_reason": "sin motivo",
    "times.no_downtime": "Todos los vehículos estuvieron operativos.",
    "times.each": "Cada vehículo",
    "times.nothing": "No hubo vehículos en este periodo.",
    "times.nothing_hint": "Elige otro periodo o registra primero los vehículos.",
}
