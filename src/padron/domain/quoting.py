"""How a text that somebody sent is shown in a sentence to people: as they typed it, accents included."""

SHOWN_LENGTH_MAX = 40


def quote(text: str, length_max: int = SHOWN_LENGTH_MAX) -> str:
    """Give the text between quotation marks, cut to a length; what cannot be seen is named by its code point."""
    shown = "".join(one if one.isprintable() else f"(U+{ord(one):04X})" for one in text[:length_max])
    return f"'{shown}…'" if len(text) > length_max else f"'{shown}'"


def join_names(names: list[str], shown_max: int = 30) -> str:
    """Give names as a list in a sentence, with the number of those that are not shown."""
    if len(names) > shown_max:
        return f"{', '.join(names[:shown_max])} and {len(names) - shown_max} more"
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)
