"""Which accounts let deactivations wait for leases, as far as the transactions of this process have seen it."""

from padron.domain.gate_leases import StrictGates, give_state


class StrictAccounts:
    """The latest state that each account had. Whoever changes an account notes the state inside its transaction.

    An account's state is locked together with its changes. So after a transaction the state here is the one that the
    transaction had, or a later one.
    """

    def __init__(self) -> None:
        self._switches: dict[int, int] = {}  # only of accounts that were ever switched

    def __contains__(self, account_id: int) -> bool:
        """Say whether deactivations of the account must wait for leases."""
        switches = self._switches.get(account_id)
        return switches is not None and give_state(switches) is not StrictGates.OFF

    def note(self, account_id: int, switches: int) -> None:
        """Remember how often an account was switched. Statements that began earlier may come late."""
        if switches > self._switches.get(account_id, 0):
            self._switches[account_id] = switches
