"""``padron vehicles sample``: a file to import, of made-up vehicles."""

from padron.cli.fleet import list_fleet
from padron.cli.options import CommonOptions, Json
from padron.cli.outputs import print_csv, print_json

_STATUS_COLUMN = "vehicleStatusId"
_DEFAULTS = CommonOptions()


def print_sample(*, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Print a sample fleet as CSV: a file to try an import with, and the columns to put your own vehicles into.

    It needs no database. The vehicles are made up, and are the same ones every time.
    """
    options.read()
    rows = [{**one.cells, _STATUS_COLUMN: "" if one.status is None else str(one.status.value)} for one in list_fleet()]
    if json:
        print_json({"vehicles": [{name: cell for name, cell in row.items() if cell} for row in rows]})
    else:
        columns = tuple(rows[0])
        print_csv([columns, *(tuple(row[column] for column in columns) for row in rows)])
    return 0
