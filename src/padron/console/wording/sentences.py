"""Sentences of the service as the pages say them. ``console/sentences.py`` knows by what each is recognised."""

from padron.console.wording.texts import PageTexts

ENGLISH: PageTexts = {
    "said.name_reason": "The reason",
    "said.name_operation": "The operation",
    "said.name_q": "The search",
    "said.vin_letter": "The VIN's character {place} is '{sign}': a VIN has no letter {letter}; digit {digit}?",
    "said.vin_unseen": "The VIN's character {place} is {shown}, which cannot be seen: delete it.",
    "said.vin_character": (
        "The VIN's character {place} is {shown}: a VIN has only the digits 0 to 9 and the letters A to Z without I, O"
        " and Q."
    ),
    "said.vin_length": "The VIN has {number} characters: a VIN has exactly 17.",
    "said.perhaps_fits": "Perhaps {vin}, whose check digit fits.",
    "said.perhaps": "Perhaps {likely}.",
    "said.vin_again": "The VIN {vin} already appears on line {line} of the file.",
    "said.plate": "The plate {text} is not 4 to 10 letters and digits (A-Z, 0-9).",
    "said.plate_taken": "The vehicle {vin} already has the plate {plate}.",
    "said.status_guess": "{text} is not a vehicle status; did you mean {guess}? Use {names}.",
    "said.status_unknown": "{text} is not a vehicle status. Use {names}.",
    "said.not_integer": "{field} is {text}: it must be an integer.",
    "said.not_in_range": "{field} is {number}: it must be from {least} to {most}.",
    "said.only_spaces": "{field} contains only spaces.",
    "said.too_long": "{field} has {number} characters: at most {most} are allowed.",
    "said.not_printable": "{field} contains {shown}, which is not printable.",
    "said.row_too_wide": "The row has more cells than the {number} named columns: {words}.",
    "said.quotation_marks": "Put quotation marks around a cell that contains the separator.",
    "said.row_unknown": "The row has a revision, as exported rows have, but the register has no vehicle {vin}.",
    "said.clear_revision": "Clear the revision to register the vehicle.",
    "said.begins_past": "The beginning, {asked_at}, is in the past: here it is {now_at}. Leave it empty for now.",
    "said.ends_past": "The end, {asked_at}, is in the past: here it is {now_at}. Choose a later one.",
    "said.ends_first": "The end, {asked_at}, must be after the beginning, {begins_at}.",
    "said.too_far": "{asked_at} is more than ten years away. The latest time allowed is {last_at}.",
    "said.nothing_back": (
        "The vehicle already has this status, so there is no earlier one to return to. Leave the end empty, and plan"
        " the next status with a beginning."
    ),
    "said.role_scope": "Your role in this account is not enough for this. Ask an owner ({scope}).",
    "said.key_scope": "The API key {key} does not have the scope {scope}.",
    "said.no_scope": "A key needs at least one scope. Choose what it may do.",
    "said.bad_name": (
        "The name {text} cannot be used. Use 1 to {most} printable characters, without a space at either end."
    ),
    "said.bad_network": "{text} is not a network. Use the form 192.0.2.0/24 or 2001:db8::/32, or a single address.",
    "said.expired": "The end is not in the future. To end a key at once, revoke it.",
    "said.bad_email": "The e-mail address {text} cannot be used. It needs the form name@example.com.",
    "said.email_known": "The register already knows somebody with the e-mail address {text}.",
    "said.no_account": "There is no account that you can enter now. Ask an owner of the account to let you in.",
    "said.ask_operator": "Ask the operator to add the person.",
    "said.last_owner": "This person is the last owner of the account who may sign in. Add another owner first.",
    "said.password_short": "The password is too short: it needs at least {least} characters.",
    "said.password_long": "The password is too long: it may have {most} characters.",
    "said.password_untyped": (
        "The password has a character that no keyboard types. Use letters, digits, signs and spaces."
    ),
    "said.password_repeats": (
        "The password repeats a few characters, or follows the keyboard. Use several words, for example."
    ),
    "said.password_common": "The password is one of those that are tried first. Use several words, for example.",
    "said.password_name": "The password is made of your name or your e-mail address. Use other words.",
    "said.list_empty": "The list has no name. Name at least one vehicle.",
    "said.list_long": "The list has too many names. It may have {most}.",
    "said.no_vehicle": "No current vehicle has the VIN {text} any more.",
    "said.undone_by": "Undone by the request {request}.",
    "said.undone_count": "Vehicles that are as they were before: {number}.",
    "said.undone_left": "Vehicles that were left: {number}.",
    "said.named_twice": "The vehicle is already named on line {line}.",
    "said.unreadable": "The text is too long, or has characters that cannot be printed.",
    "said.no_operation": "Name the operation.",
    "said.undo_registered": "The request registered the vehicle, which cannot be undone.",
    "said.undo_later": "Somebody changed the vehicle later (request {request}).",
    "said.undo_plate": "The vehicle {vin} now has the plate {plate}.",
    "said.undo_vin": "Another vehicle now has the VIN {vin}.",
}

SPANISH: PageTexts = {
    "said.name_reason": "El motivo",
    "said.name_operation": "La operación",
    "said.name_q": "La búsqueda",
    "said.vin_letter": "El carácter {place} del VIN es «{sign}»: un VIN no lleva la letra {letter}; ¿será el {digit}?",
    "said.vin_unseen": "El carácter {place} del VIN es {shown}, que no se ve: bórralo.",
    "said.vin_character": (
        "El carácter {place} del VIN es {shown}: un VIN solo lleva las cifras del 0 al 9 y las letras de la A a la Z"
        " sin I, O ni Q."
    ),
    "said.vin_length": "El VIN tiene {number} caracteres: un VIN tiene exactamente 17.",
    "said.perhaps_fits": "Quizá {vin}, cuyo dígito verificador coincide.",
    "said.perhaps": "Quizá {likely}.",
    "said.vin_again": "El VIN {vin} ya está en la fila {line} del archivo.",
    "said.plate": "La placa {text} no tiene de 4 a 10 letras y cifras (A-Z, 0-9).",
    "said.plate_taken": "El vehículo {vin} ya tiene la placa {plate}.",
    "said.status_guess": "{text} no es un estatus; ¿quisiste decir {guess}? Usa {names}.",
    "said.status_unknown": "{text} no es un estatus. Usa {names}.",
    "said.not_integer": "{field} es {text}: debe ser un número entero.",
    "said.not_in_range": "{field} es {number}: debe ser de {least} a {most}.",
    "said.only_spaces": "{field} solo tiene espacios.",
    "said.too_long": "{field} tiene {number} caracteres: se permiten {most} como máximo.",
    "said.not_printable": "{field} contiene {shown}, que no se puede imprimir.",
    "said.row_too_wide": "La fila tiene más celdas que las {number} columnas con nombre: {words}.",
    "said.quotation_marks": "Pon entre comillas una celda que contiene el separador.",
    "said.row_unknown": "La fila tiene una revisión, como las exportadas, pero no hay ningún vehículo {vin}.",
    "said.clear_revision": "Borra la revisión para registrar el vehículo.",
    "said.begins_past": "El inicio, {asked_at}, ya pasó: aquí es el {now_at}. Déjalo vacío para ahora mismo.",
    "said.ends_past": "El fin, {asked_at}, ya pasó: aquí es el {now_at}. Elige uno posterior.",
    "said.ends_first": "El fin, {asked_at}, debe ser posterior al inicio, {begins_at}.",
    "said.too_far": "Para el {asked_at} faltan más de diez años. Lo más tarde que se permite es el {last_at}.",
    "said.nothing_back": (
        "El vehículo ya tiene este estatus, así que no hay uno anterior al que volver. Deja vacío el fin y programa el"
        " siguiente estatus con un inicio."
    ),
    "said.role_scope": "Tu función en esta cuenta no alcanza para esto. Pide ayuda a un titular ({scope}).",
    "said.key_scope": "La clave de API {key} no tiene el permiso {scope}.",
    "said.no_scope": "Elige al menos un permiso para la clave.",
    "said.bad_name": (
        "El nombre {text} no sirve. Usa de 1 a {most} caracteres visibles, sin espacio al principio ni al final."
    ),
    "said.bad_network": "{text} no es una red. Usa la forma 192.0.2.0/24 o 2001:db8::/32, o una sola dirección.",
    "said.expired": "El fin no está en el futuro. Para terminar una clave de inmediato, revócala.",
    "said.bad_email": "El correo electrónico {text} no sirve. Debe tener la forma nombre@ejemplo.com.",
    "said.email_known": "El registro ya conoce a alguien con el correo electrónico {text}.",
    "said.no_account": "Ahora no hay ninguna cuenta a la que puedas entrar. Pide a un titular que te deje entrar.",
    "said.ask_operator": "Pide a quien opera el servidor que agregue a la persona.",
    "said.last_owner": "Es la última persona titular de la cuenta que puede entrar. Agrega antes a otra titular.",
    "said.password_short": "La contraseña es muy corta: necesita al menos {least} caracteres.",
    "said.password_long": "La contraseña es muy larga: puede tener {most} caracteres.",
    "said.password_untyped": (
        "La contraseña tiene un carácter que ningún teclado escribe. Usa letras, cifras, signos y espacios."
    ),
    "said.password_repeats": (
        "La contraseña repite pocos caracteres o sigue el teclado. Usa, por ejemplo, varias palabras."
    ),
    "said.password_common": "La contraseña es de las que se prueban primero. Usa, por ejemplo, varias palabras.",
    "said.password_name": "La contraseña se forma con tu nombre o tu correo electrónico. Usa otras palabras.",
    "said.list_empty": "La lista está vacía. Nombra al menos un vehículo.",
    "said.list_long": "La lista tiene demasiados nombres. Puede tener {most}.",
    "said.no_vehicle": "Ya ningún vehículo actual tiene el VIN {text}.",
    "said.undone_by": "Se deshizo con la solicitud {request}.",
    "said.undone_count": "Vehículos que están como antes: {number}.",
    "said.undone_left": "Vehículos que quedaron igual: {number}.",
    "said.named_twice": "La línea {line} ya nombra el vehículo.",
    "said.unreadable": "El texto es demasiado largo o tiene caracteres que no se pueden imprimir.",
    "said.no_operation": "Nombra la operación.",
    "said.undo_registered": "La solicitud registró el vehículo, y eso no se puede deshacer.",
    "said.undo_later": "Alguien cambió el vehículo después (solicitud {request}).",
    "said.undo_plate": "El vehículo {vin} tiene ahora la placa {plate}.",
    "said.undo_vin": "Otro vehículo tiene ahora el VIN {vin}.",
}
