"""Local gates with one fault each, for the conformance script: it must notice every one of them."""

import asyncio
import hashlib
import sys
from typing import Any

import msgspec

from padron_client.local_gate import conformance_driver, following, keeping, loading, proving, snapshots, working
from padron_client.local_gate.clocks import read_clocks
from padron_client.local_gate.vin_set import VinSet
from padron_client.local_gate.wire import Change, Wire

_LATE_S = 0.15


def plant(owner: object, name: str, fault: object) -> None:
    """Put a fault in the place of what is right."""
    setattr(owner, name, fault)


def leave_out_the_head_rule() -> None:
    """Take a proof for granted before its change is applied."""

    def prove(self: keeping.Keeper, proof: keeping.Proof) -> None:
        if self.loaded.is_set():
            self.accept(msgspec.structs.replace(proof, number=0))

    plant(keeping.Keeper, "prove", prove)


def compare_numbers_alone() -> None:
    """Take another change for the same when its number is."""

    def prove(self: keeping.Keeper, proof: keeping.Proof) -> None:
        if self.loaded.is_set() and proof.number <= self.copy.number:
            self.accept(proof)

    plant(keeping.Keeper, "prove", prove)


def count_from_the_answer() -> None:
    """Count age and lease from the arrival of the answer."""
    former = keeping.Keeper.prove

    def prove(self: keeping.Keeper, proof: keeping.Proof) -> None:
        now = read_clocks().steady()
        late = now - proof.asked_at
        former(self, msgspec.structs.replace(proof, asked_at=now, lease_until=proof.lease_until + late))

    plant(keeping.Keeper, "prove", prove)


def take_heartbeats_for_proofs() -> None:
    """Count age from the arrival of anything on the stream."""

    async def read_stream(self: following.Follower, pause: following.Pause) -> None:
        async with self._wire.follow(self._keeper.copy.cursor) as parts:
            async for events in parts:
                pause.reset()
                self._keeper.apply([(event.change, event.cursor) for event in events])
                copy = self._keeper.copy
                self._keeper.accept(keeping.Proof(self._clocks.steady(), copy.number, copy.cursor))

    plant(following.Follower, "_read_stream", read_stream)


def acknowledge_before_applying() -> None:
    """Tell the server of a change as soon as it came, and apply it a little later."""
    former_apply, former_renew = keeping.Keeper.apply, Wire.renew_lease
    latest = [""]

    def apply(self: keeping.Keeper, changes: Any) -> bool:
        some: list[tuple[Change, str | None]] = list(changes)
        if some and some[-1][1]:
            latest[0] = some[-1][1]
        self.moved.set()
        asyncio.get_running_loop().call_later(_LATE_S, former_apply, self, some)
        return True

    async def renew_lease(self: Wire, lease_id: str, cursor: str, timeout_s: float) -> Any:
        return await former_renew(self, lease_id, latest[0] or cursor, timeout_s)

    plant(keeping.Keeper, "apply", apply)
    plant(Wire, "renew_lease", renew_lease)


def never_end_a_lease() -> None:
    """Answer after the lease's end."""
    former = keeping.Keeper.accept

    def accept(self: keeping.Keeper, proof: keeping.Proof) -> None:
        former(self, msgspec.structs.replace(proof, lease_until=proof.lease_until + 1))

    plant(keeping.Keeper, "accept", accept)


def continue_over_a_gap() -> None:
    """Apply changes without a look at their numbers."""
    former = keeping.Keeper.apply

    def apply(self: keeping.Keeper, changes: Any) -> bool:
        some: list[tuple[Change, str | None]] = list(changes)
        if some and some[0][0].number > self.copy.number + 1:
            self.copy = msgspec.structs.replace(self.copy, number=some[0][0].number - 1)
        return former(self, some)

    plant(keeping.Keeper, "apply", apply)


def use_a_cut_set() -> None:
    """Take what came of a set for the whole."""

    async def read_set(parts: Any, _: str) -> loading.LoadedSet:
        whole = b"".join([part async for part in parts])
        lines = whole.decode().splitlines()
        head = msgspec.json.decode(lines[0])
        loaded = loading.LoadedSet(VinSet(), head["number"], head["cursor"])
        loaded.vins.load([line.strip('"') for line in lines[1:] if line.startswith('"')])
        loaded.vins.finish_loading()
        return loaded

    plant(loading, "_read_set", read_set)


def keep_the_copy_after_410() -> None:
    """Continue with the copy of a lost life: ask from the register's present end on."""
    former = following.Follower._load

    async def load(self: following.Follower) -> None:
        if self._keeper.copy.number < 0:
            await former(self)
            return
        head = await self._wire.read_head(5)
        vins = self._keeper.vins
        self._keeper.install(vins, head.number, head.cursor, self._clocks.steady())

    plant(following.Follower, "_load", load)


def believe_a_snapshot() -> None:
    """Take a snapshot for as young as the start."""
    former = snapshots.read_snapshot

    def read(path: Any, source: str, of: str, clocks: Any) -> Any:
        return former(path, source, of, clocks)[0], clocks.steady()

    plant(working, "read_snapshot", read)


def never_check_the_sum() -> None:
    """Read a damaged snapshot."""
    former = snapshots.read_snapshot

    def read(path: Any, source: str, of: str, clocks: Any) -> Any:
        body = path.read_bytes()[:-72]
        path.write_bytes(body + b"sha256:" + hashlib.sha256(body).hexdigest().encode() + b"\n")
        return former(path, source, of, clocks)

    plant(working, "read_snapshot", read)


def look_at_operational() -> None:
    """Apply every change as if its vehicle were allowed when it is not known to be refused."""
    former = keeping.Keeper._put_vin

    def put(self: keeping.Keeper, vin: str, *, allowed: bool) -> None:
        former(self, vin, allowed=allowed or vin in self.vins)

    plant(keeping.Keeper, "_put_vin", put)


def forget_the_former_vin() -> None:
    """Leave the VIN that a vehicle had before."""

    def put(self: keeping.Keeper, change: Change) -> None:
        self._put_vin(change.vin, allowed=change.allowed)

    plant(keeping.Keeper, "_put", put)


def never_give_a_lease_back() -> None:
    """Close without a word to the server."""

    async def end(_: proving.LeaseHolder) -> None:
        return

    plant(proving.LeaseHolder, "end", end)


def never_poll() -> None:
    """Trust in streams alone."""

    async def catch_up(_: following.Follower) -> None:
        await asyncio.sleep(0.1)

    plant(following.Follower, "_catch_up", catch_up)


def never_pause() -> None:
    """Ask again at once after each failure."""

    async def sleep(_: following.Pause, __: BaseException) -> None:
        await asyncio.sleep(0.005)

    plant(following.Pause, "sleep", sleep)


# Each fault, and the trials that must notice it.
FAULTS = {
    "leave_out_the_head_rule": (
        "the_last_change_must_be_applied",
        "a_renewal_counts_once_its_change_is_applied",
        "a_first_lease_counts_once_its_change_is_applied",
    ),
    "compare_numbers_alone": ("the_same_number_is_not_the_same_change",),
    "count_from_the_answer": ("age_counts_from_before_the_request", "a_lease_counts_from_before_the_request"),
    "take_heartbeats_for_proofs": ("heartbeats_prove_nothing",),
    "acknowledge_before_applying": ("what_is_acknowledged_is_applied",),
    "never_end_a_lease": ("a_lease_ends_in_time", "a_server_that_is_away_ends_the_answers"),
    "continue_over_a_gap": ("a_gap_is_noticed",),
    "use_a_cut_set": ("a_cut_set_is_not_used",),
    "keep_the_copy_after_410": ("a_restored_register_is_loaded_again",),
    "believe_a_snapshot": ("a_snapshot_starts_without_the_server",),
    "never_check_the_sum": ("a_damaged_snapshot_is_not_used",),
    "look_at_operational": ("the_verdict_is_that_of_the_gate",),
    "forget_the_former_vin": ("a_vin_that_moves_is_followed",),
    "never_give_a_lease_back": ("a_closed_gate_gives_its_lease_back",),
    "never_poll": ("held_streams_are_noticed",),
    "never_pause": ("a_busy_server_is_spared",),
}


def main() -> None:
    globals()[sys.argv[1]]()
    conformance_driver.main()


if __name__ == "__main__":
    main()
