"""The overview."""

from padron.console.wording.texts import PageTexts, Plural

ENGLISH: PageTexts = {
    "overview.title": "Overview",
    "overview.all": "Vehicles",
    "overview.operational": "Operational",
    "overview.not_operational": "Not operational",
    "overview.share": "{share} of all",
    "overview.statuses": "Vehicles by status",
    "overview.counting": "The vehicles are being counted. Open this page again in a moment.",
    "overview.chart": "Vehicles by status from {begin} until {end}. The table below has the numbers.",
    "overview.chart_note": "Days end at midnight UTC.",
    "overview.status": "Status",
    "overview.now": "Now",
    "overview.change_since": "Change since {day}",
    "overview.course": "Course",
    "overview.table": "The numbers week by week",
    "overview.day": "Day",
    "overview.today": "now",
    "overview.latest": "Latest changes",
    "overview.no_changes": "Nothing has changed yet.",
    "overview.plans": "Planned for the next seven days",
    "overview.no_plans": "Nothing is planned for the next seven days. To plan a change, change a vehicle's status and "
    "say from when.",
    "overview.all_plans": "All planned changes",
    "overview.refusals": "Refused at the gate",
    "overview.no_refusals": "The gate has refused nothing lately.",
    "overview.refusal": Plural("{operation} for {vin}, once", "{operation} for {vin}, {count} times"),
    "overview.all_refusals": "All refusals",
    "overview.empty": "There is no vehicle yet.",
    "overview.empty_hint": "Import a file of vehicles, or register the first one through the API. Then this page shows "
    "which status they have.",
    "attention.title": "Needs attention",
    "attention.none": "Nothing needs attention.",
    "attention.look": "Look",
    "attention.backup_late": Plural("The backup is late. Look at the server's log.", "Backups are late."),
    "attention.backup_bad": Plural("The backup could not be restored on trial.", "Backups could not be restored."),
    "attention.endpoints": Plural("A webhook endpoint fails", "{count} webhook endpoints fail"),
    "attention.imports": Plural("An import failed in the last week", "{count} imports failed in the last week"),
    "attention.plans": Plural(
        "A planned change was refused in the last week", "{count} planned changes were refused in the last week"
    ),
    "attention.duplicates": Plural("One VIN has several vehicles", "{count} VINs have several vehicles"),
}

SPANISH: PageTexts = {
    "overview.title": "Resumen",
    "overview.all": "Vehículos",
    "overview.operational": "Operativos",
    "overview.not_operational": "No operativos",
    "overview.share": "{share} del total",
    "overview.statuses": "Vehículos por estatus",
    "overview.counting": "Se están contando los vehículos. Abre esta página de nuevo en un momento.",
    "overview.chart": "Vehículos por estatus del {begin} al {end}. La tabla de abajo tiene los números.",
    "overview.chart_note": "Los días terminan a la medianoche UTC.",
    "overview.status": "Estatus",
    "overview.now": "Ahora",
    "overview.change_since": "Cambio desde el {day}",
    "overview.course": "Evolución",
    "overview.table": "Los números semana por semana",
    "overview.day": "Día",
    "overview.today": "ahora",
    "overview.latest": "Últimos cambios",
    "overview.no_changes": "Todavía no cambió nada.",
    "overview.plans": "Programado para los próximos siete días",
    "overview.no_plans": "No hay nada programado para los próximos siete días. Para programar un cambio, cambia el "
    "estatus de un vehículo e indica desde cuándo.",
    "overview.all_plans": "Todos los cambios programados",
    "overview.refusals": "Rechazos del control de salida",
    "overview.no_refusals": "No hubo rechazos últimamente.",
    "overview.refusal": Plural("{operation} para {vin}, una vez", "{operation} para {vin}, {count} veces"),
    "overview.all_refusals": "Todos los rechazos",
    "overview.empty": "Todavía no hay vehículos.",
    "overview.empty_hint": "Importa un archivo de vehículos o registra el primero con la API. Después, esta página "
    "muestra qué estatus tienen.",
    "attention.title": "Requiere atención",
    "attention.none": "Nada requiere atención.",
    "attention.look": "Ver",
    "attention.backup_late": Plural(
        "La copia de seguridad está atrasada. Revisa el registro del servidor.", "Hay copias de seguridad atrasadas."
    ),
    "attention.backup_bad": Plural(
        "La copia de seguridad no se pudo restaurar en la prueba.",
        "Hay copias de seguridad que no se pudieron restaurar.",
    ),
    "attention.endpoints": Plural("Un webhook falla", "{count} webhooks fallan"),
    "attention.imports": Plural(
        "Una importación falló en la última semana", "{count} importaciones fallaron en la última semana"
    ),
    "attention.plans": Plural(
        "Un cambio programado se rechazó en la última semana",
        "{count} cambios programados se rechazaron en la última semana",
    ),
    "attention.duplicates": Plural("Un VIN tiene varios vehículos", "{count} VIN tienen varios vehículos"),
}
