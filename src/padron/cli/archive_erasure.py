"""``padron archive erase``: erases personal values from archived changes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from padron.cli.archives import AccountId, find_needed_account
from padron.cli.options import CommonOptions, Json
from padron.cli.outputs import UsageError, print_json, print_table
from padron.domain.erasure import Selection, parse_fields
from padron.domain.vin import parse_vin
from padron.service.retention.erasing import erase_archive

_DEFAULTS = CommonOptions()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ArchiveErasureOptions:
    """What is erased from the files."""

    fields: Annotated[tuple[str, ...], Parameter(consume_multiple=True)]
    """The fields to erase, such as ownerName taxIdentifier legalName."""

    vin: str | None = None
    """Only vehicles that had this VIN at some time in the archive."""

    value: str | None = None
    """Erase only this text, in any letter case."""

    dry_run: Annotated[bool, Parameter(negative="")] = False
    """Show what would be erased, without erasing it."""


def erase_files(
    folder: Path,
    /,
    *,
    account: str | None = None,
    account_id: AccountId = None,
    chosen: ArchiveErasureOptions,
    json: Json = False,
    options: CommonOptions = _DEFAULTS,
) -> None:
    """Erase personal values from the files of an archive. It cannot be undone.

    Erase them from the register first, with padron vehicles erase. Each file that has such a value is written again.

    Parameters
    ----------
    folder
        The folder that the servers were given with --archive-to.

    account
        The name of the account that owns the vehicles.
    """
    if chosen.vin is None and not chosen.value:
        raise UsageError("Name a vehicle with --vin, or the text to erase with --value.")
    vin = None if chosen.vin is None else parse_vin(chosen.vin)
    selection = Selection(fields=parse_fields(chosen.fields), value=chosen.value or None)
    owner = find_needed_account(account, account_id, options)
    done = list(erase_archive(folder, owner, vin, selection, dry_run=chosen.dry_run))
    if json:
        files = [{"file": str(one.part.path), "changeNumbers": one.numbers} for one in done]
        print_json({"dryRun": chosen.dry_run, "files": files})
        return
    rows = [(str(one.part.path), " ".join(map(str, one.numbers))) for one in done]
    print_table(("File", "Changes"), rows, "There is nothing to erase.")
