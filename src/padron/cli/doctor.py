"""``padron doctor``: examines the register, beside a running server, and changes nothing."""

import asyncio
import sys

from rich.console import Console
from rich.status import Status

from padron.cli.holding import check_name
from padron.cli.logs import escape_line
from padron.cli.options import CommonOptions, Json
from padron.cli.outputs import print_json
from padron.domain.finding import Finding, Severity
from padron.service.doctor.examining import examine
from padron.wiring import open_examination, read_clock

_DEFAULTS = CommonOptions()
_WIDTHS = {"severity": 7, "check": 12}


def doctor(*, json: Json = False, options: CommonOptions = _DEFAULTS) -> int:
    """Examine the register: its database, and whether what it has fits together. It changes nothing.

    It may run beside a server. The exit status is 1 when something is wrong.
    """
    settings = options.read()
    check_name(settings)
    console = Console(file=sys.stderr, highlight=False)
    findings: list[Finding] = []

    async def run(status: Status) -> None:
        examination = open_examination(settings)
        try:
            async for finding in examine(examination, read_clock, lambda what: status.update(f"Checking {what}")):
                findings.append(finding)
                if not json:
                    _print_finding(finding)
        finally:
            await examination.close()

    with console.status("Checking the register") as status:
        if not console.is_terminal:
            status.stop()
        asyncio.run(run(status))
    is_sound = all(finding.severity is not Severity.FAULT for finding in findings)
    if json:
        print_json(
            {
                "ok": is_sound,
                "findings": [
                    {"check": one.check.value, "severity": one.severity.value, "detail": one.detail}
                    for one in findings
                ],
            }
        )  # fmt: skip
    else:
        print("Nothing is wrong." if is_sound else "Something is wrong: read the lines that begin with fault.")
    return 0 if is_sound else 1


def _print_finding(finding: Finding) -> None:
    severity, check = finding.severity.value, finding.check.value
    line = f"{severity:{_WIDTHS['severity']}}{check:{_WIDTHS['check']}} {finding.detail}"
    print(escape_line(line), flush=True)
