"""``padron secrets``: the keys that encrypt the secrets of webhooks."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import App, Parameter

from padron.cli.options import CommonOptions, Json, run_with_runtime
from padron.cli.outputs import UsageError, print_json, print_table
from padron.secret_files import make_key
from padron.service.administration import secrets as administration
from padron.service.runtime import Runtime
from padron.service.webhooks.sealing import SecretBox

secrets = App(name="secrets", help="Encrypt the secrets of webhooks with keys from a file.")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SecretOptions(CommonOptions):
    """The settings of these commands."""

    secret_file: str | None = None
    """The file with the keys, one on each line; the first one encrypts [PADRON_SECRET_FILE]."""


_DEFAULTS = SecretOptions()


@secrets.command(name="new-key")
def print_key(*, json: Json = False, options: CommonOptions = _DEFAULTS) -> None:
    """Print a new key, for a line of the secret file. Nothing is stored."""
    del options
    key = make_key()
    if json:
        print_json({"key": key})
    else:
        print(key)


@secrets.command(name="list")
def list_keys(*, json: Json = False, options: SecretOptions = _DEFAULTS) -> int:
    """List the keys that the secrets of webhooks need, by their marks. A key that is not listed may be removed."""

    async def work(runtime: Runtime) -> list[dict[str, object]]:
        found = await administration.count_secrets(runtime)
        marks = [*found.counts, *([found.sealing_mark] if found.sealing_mark not in found.counts else [])]
        return [
            {
                "mark": mark,
                "webhooks": found.counts.get(mark, 0),
                "inFile": bool(mark) and runtime.secret_box.has(mark),
                "encrypts": bool(mark) and mark == found.sealing_mark,
            }
            for mark in marks
            if mark or found.counts.get(mark)
        ]

    keys = run_with_runtime(options, work)
    if json:
        print_json({"keys": keys})
        return 0
    rows = [
        (str(one["mark"] or "not encrypted"), str(one["webhooks"]), *("yes" if one[n] else "no" for n in _FLAGS))
        for one in keys
    ]
    print_table(("Key", "Webhooks", "In the file", "Encrypts"), rows, "There are no webhooks and no secret file.")
    return 0


@secrets.command(name="rotate")
def rotate(
    *,
    plain: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
    options: SecretOptions = _DEFAULTS,
) -> int:
    """Encrypt the secrets of all webhooks with the first key of the file. Servers may run meanwhile.

    This is also the command that encrypts the secrets that exist when you begin to use a secret file.

    Parameters
    ----------
    plain
        Store all secrets without encryption instead, before you stop using a secret file.
    """

    async def work(runtime: Runtime) -> int:
        if not runtime.secret_box.is_sealing:
            raise UsageError("There is no secret file: name it with --secret-file or PADRON_SECRET_FILE.")
        box = SecretBox() if plain else runtime.secret_box
        return await administration.seal_secrets(runtime, box)

    count = run_with_runtime(options, work)
    if json:
        print_json({"webhooks": count})
    else:
        print(f"Changed the secrets of {count} webhook{'' if count == 1 else 's'}.")
    return 0


_FLAGS = ("inFile", "encrypts")
