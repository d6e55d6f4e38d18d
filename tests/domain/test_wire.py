"""The domain does not know how a request came: it names no header and reads no parameters of a URL."""

import re
from pathlib import Path

import padron

WIRE = re.compile(r"If-(None-)?Match|\bETag|%2B|\bparameters: (dict|Mapping)|query parameter|\bPATCH\b|\bPUT\b")


def test_no_module_of_the_domain_names_a_header_or_reads_parameters() -> None:
    modules = sorted((Path(padron.__file__).parent / "domain").rglob("*.py"))
    assert len(modules) > 20
    found = {path.name: WIRE.search(path.read_text("utf-8")) for path in modules}
    assert {name: match.group() for name, match in found.items() if match} == {}
