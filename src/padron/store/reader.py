"""What is committed of one account: the same class for both engines."""

from padron.store.actors import ActorReader
from padron.store.administration import AdministrationReader
from padron.store.archives import ArchiveReader
from padron.store.changes import ChangeReader
from padron.store.gate import GateReader
from padron.store.gate_leases import GateLeaseReader
from padron.store.imports import ImportReader
from padron.store.operations import OperationReader
from padron.store.plans import PlanReader
from padron.store.port import ReadPort
from padron.store.selections import SelectionReader
from padron.store.vehicles import VehicleReader
from padron.store.webhooks import WebhookReader


class Reader(VehicleReader, ChangeReader):
    """One account's committed records: vehicles and changes as methods, each other noun as a property.

    Each method sees one instant.
    """

    def __init__(self, port: ReadPort, account_id: int) -> None:
        super().__init__(port, account_id)

    @property
    def actors(self) -> ActorReader:
        """Who the authors of the account's changes are."""
        return ActorReader(self._port)

    @property
    def administration(self) -> AdministrationReader:
        """The account's keys, and the record of what was administered."""
        return AdministrationReader(self._port)

    @property
    def archives(self) -> ArchiveReader:
        """What the archiving of the account's record reads."""
        return ArchiveReader(self._port)

    @property
    def gate(self) -> GateReader:
        """What the gate reads."""
        return GateReader(self._port)

    @property
    def gate_leases(self) -> GateLeaseReader:
        """The leases of local gates."""
        return GateLeaseReader(self._port)

    @property
    def imports(self) -> ImportReader:
        """The account's imports."""
        return ImportReader(self._port)

    @property
    def operations(self) -> OperationReader:
        """The account's operations, with their runs, work and results."""
        return OperationReader(self._port)

    @property
    def plans(self) -> PlanReader:
        """The account's planned changes."""
        return PlanReader(self._port)

    @property
    def selections(self) -> SelectionReader:
        """The account's selections."""
        return SelectionReader(self._port)

    @property
    def webhooks(self) -> WebhookReader:
        """The account's webhooks."""
        return WebhookReader(self._port)
