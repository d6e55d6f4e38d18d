"""The nouns of one account in an open transaction: what is the same for both engines."""

from abc import ABC, abstractmethod

from padron.store.administration import AdministrationTransaction
from padron.store.archives import ArchiveTransaction
from padron.store.erasure import ErasureTransaction
from padron.store.gate import GateTransaction
from padron.store.gate_leases import GateLeaseTransaction
from padron.store.idempotency import KeyTransaction
from padron.store.imports import ImportTransaction
from padron.store.old_runs import OldRuns
from padron.store.operations import OperationTransaction
from padron.store.plans import PlanTransaction
from padron.store.port import WritePort
from padron.store.removal import RemovalTransaction
from padron.store.selections import SelectionTransaction
from padron.store.webhooks import WebhookTransaction


class NounTransactions(ABC):
    """The part of ``WriteTransaction`` that is the same for both engines."""

    @property
    @abstractmethod
    def port(self) -> WritePort:
        """The transaction as the classes of the nouns use it."""

    @property
    def administration(self) -> AdministrationTransaction:
        """Give the account's keys, and the record of what was administered."""
        return AdministrationTransaction(self.port)

    @property
    def archives(self) -> ArchiveTransaction:
        """Give the archiving of the account's record."""
        return ArchiveTransaction(self.port)

    @property
    def erasure(self) -> ErasureTransaction:
        """Give the account's personal values."""
        return ErasureTransaction(self.port)

    @property
    def gate(self) -> GateTransaction:
        """Give the account's remembered refusals."""
        return GateTransaction(self.port)

    @property
    def gate_leases(self) -> GateLeaseTransaction:
        """Give the leases of local gates."""
        return GateLeaseTransaction(self.port)

    @property
    def imports(self) -> ImportTransaction:
        """Give the account's imports."""
        return ImportTransaction(self.port)

    @property
    def keys(self) -> KeyTransaction:
        """Give the account's Idempotency-Keys."""
        return KeyTransaction(self.port)

    @property
    def old_runs(self) -> OldRuns:
        """Give the deletion of the account's old runs and results."""
        return OldRuns(self.port)

    @property
    def operations(self) -> OperationTransaction:
        """Give the account's operations."""
        return OperationTransaction(self.port)

    @property
    def plans(self) -> PlanTransaction:
        """Give the account's planned changes."""
        return PlanTransaction(self.port)

    @property
    def removal(self) -> RemovalTransaction:
        """Give the removal of the account."""
        return RemovalTransaction(self.port)

    @property
    def selections(self) -> SelectionTransaction:
        """Give the account's selections."""
        return SelectionTransaction(self.port)

    @property
    def webhooks(self) -> WebhookTransaction:
        """Give the account's webhooks."""
        return WebhookTransaction(self.port)
