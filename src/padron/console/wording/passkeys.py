"""Passkeys: on the sign-in page, and in the profile."""

from padron.console.wording.texts import PageTexts

ENGLISH: PageTexts = {
    "passkeys.title": "Passkeys",
    "passkeys.explain": "A passkey signs you in with your fingerprint, your face or the PIN of your device. It needs "
    "no password, and works on no other site.",
    "passkeys.sign_in": "Sign in with a passkey",
    "passkeys.asking": "Your browser asks you for a passkey now.",
    "passkeys.making": "Your browser asks you now where to keep the passkey.",
    "passkeys.cancelled": "The browser gave no passkey. You may have cancelled, or it has none for this address.",
    "passkeys.again": "Ask again",
    "passkeys.name": "Name of the new passkey",
    "passkeys.name_hint": "Such as “My phone”. You recognise it by this name.",
    "passkeys.add": "Add a passkey",
    "passkeys.facts": "Added {added} · last used {used}",
    "passkeys.unused": "Added {added} · not used yet",
    "passkeys.elsewhere": "only for {host}",
    "passkeys.remove": "Remove",
    "passkeys.remove_explain": "It will not sign you in any more. All your other sessions end.",
    "passkeys.remove_do": "Remove “{name}”",
    "passkeys.last": "This is your only way to sign in, so it stays until you have another one.",
    "passkeys.sign_in_first": "You signed in some time ago. To add or remove a passkey, sign out and sign in first.",
    "passkeys.full": "You have as many passkeys as a person may have. Remove one to add another.",
    "passkeys.no_name": "Passkeys do not work at this address. Open the server by its name, as your operator gave it.",
    "passkeys.script": "Adding a passkey needs JavaScript.",
    "passkeys.unproved": "This was not done, because the password is not right.",
    "passkeys.refused": "This was not done.",
    "sign_in.passkey_refused": "This passkey did not work. Try again, or sign in another way.",
    "profile.saved_passkey_added": "The passkey is added. You can sign in with it from now on.",
    "profile.saved_passkey_removed": "The passkey is removed, and all other sessions have ended.",
    "event.passkey_added": "Added a passkey",
    "event.passkey_removed": "Removed passkeys",
    "event.passkey_doubted": "Was refused: there may be a copy of the passkey",
}

SPANISH: PageTexts = {
    "passkeys.title": "Llaves de acceso",
    "passkeys.explain": "Una llave de acceso te identifica con tu huella, tu rostro o el PIN de tu dispositivo. No "
    "necesita contraseña y no sirve en ningún otro sitio.",
    "passkeys.sign_in": "Iniciar sesión con una llave de acceso",
    "passkeys.asking": "Tu navegador te pide ahora una llave de acceso.",
    "passkeys.making": "Tu navegador te pregunta ahora dónde guardar la llave de acceso.",
    "passkeys.cancelled": "El navegador no dio ninguna llave de acceso. Quizá cancelaste, o no tiene ninguna para esta "
    "dirección.",
    "passkeys.again": "Preguntar otra vez",
    "passkeys.name": "Nombre de la nueva llave de acceso",
    "passkeys.name_hint": "Por ejemplo, «Mi teléfono». Con este nombre la reconoces.",
    "passkeys.add": "Añadir una llave de acceso",
    "passkeys.facts": "Añadida el {added} · último uso {used}",
    "passkeys.unused": "Añadida el {added} · todavía sin usar",
    "passkeys.elsewhere": "solo para {host}",
    "passkeys.remove": "Quitar",
    "passkeys.remove_explain": "Ya no servirá para iniciar sesión. Todas tus otras sesiones se cierran.",
    "passkeys.remove_do": "Quitar «{name}»",
    "passkeys.last": "Es tu única forma de iniciar sesión, así que se queda hasta que tengas otra.",
    "passkeys.sign_in_first": "Iniciaste sesión hace un rato. Para añadir o quitar una llave de acceso, cierra la "
    "sesión e inicia otra.",
    "passkeys.full": "Ya tienes todas las llaves de acceso que puede tener una persona. Quita una para añadir otra.",
    "passkeys.no_name": "Las llaves de acceso no sirven en esta dirección. Abre el servidor por el nombre que te dio "
    "quien lo opera.",
    "passkeys.script": "Para añadir una llave de acceso hace falta JavaScript.",
    "passkeys.unproved": "No se hizo, porque la contraseña no es correcta.",
    "passkeys.refused": "No se hizo.",
    "sign_in.passkey_refused": "Esta llave de acceso no funcionó. Inténtalo otra vez o inicia sesión de otra forma.",
    "profile.saved_passkey_added": "La llave de acceso se añadió. Desde ahora puedes iniciar sesión con ella.",
    "profile.saved_passkey_removed": "La llave de acceso se quitó y todas las otras sesiones se cerraron.",
    "event.passkey_added": "Añadió una llave de acceso",
    "event.passkey_removed": "Quitó llaves de acceso",
    "event.passkey_doubted": "Fue rechazada: puede haber una copia de la llave de acceso",
}
