"""An undo asks for the scope of what it takes back."""

from padron.domain import undo as domain
from padron.service.statuses import undo


def test_each_kind_of_change_that_can_be_undone_has_its_scope() -> None:
    assert undo._SCOPES.keys() == domain._UNDOABLE
