"""Reads the signature of each command once. The parser does so for every call, which took a third of most of them."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from cyclopts import App, ArgumentCollection


@contextmanager
def kept_signatures() -> Iterator[None]:
    """Give each call a copy of what was read of its command's signature, until the block ends."""
    read = App.assemble_argument_collection
    kept: dict[tuple[Callable[..., object], bool], ArgumentCollection] = {}

    def give(app: App, *, parse_docstring: bool = False) -> ArgumentCollection:
        assert app.default_command is not None
        key = (app.default_command, parse_docstring)
        if key not in kept:
            kept[key] = read(app, parse_docstring=parse_docstring)
        return _copy(kept[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(App, "assemble_argument_collection", give)
        yield


def _copy(signature: ArgumentCollection) -> ArgumentCollection:
    """Copy all that a call writes to: what stands in the command line, and what it means."""
    copies = {id(argument): copy.copy(argument) for argument in signature}
    for argument in copies.values():
        argument.tokens = []
        argument.children = argument.children.copy()
        argument.children[:] = [copies[id(child)] for child in argument.children]
    arguments = signature.copy()
    arguments[:] = copies.values()
    return arguments
