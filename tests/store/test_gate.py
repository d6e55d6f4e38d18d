"""What both engines promise of the gate: it sees the same by one VIN, for which it has a statement, as by several."""

from padron.domain.change import START
from padron.store.base import Store
from tests.cast import HUMMER, JEEP, NOON, UNKNOWN_VIN, registered, save


async def test_one_vin_gives_what_it_gives_among_others(store: Store, acme: int) -> None:
    other = (await store.directory.add_account("Other", NOON)).account_id
    await save(store, other, registered(UNKNOWN_VIN))
    await save(store, acme, registered(HUMMER), registered(JEEP, slot=1), registered(JEEP))
    gate = store.read(acme).gate
    among_others = await gate.load_gate([HUMMER, JEEP, UNKNOWN_VIN])
    assert [(one.vin, one.slot) for one in among_others.vehicles] == [(HUMMER, 0), (JEEP, 0), (JEEP, 1)]
    for vin, count in ((HUMMER, 1), (JEEP, 2), (UNKNOWN_VIN, 0)):
        alone = await gate.load_gate([vin])
        assert alone.vehicles == [vehicle for vehicle in among_others.vehicles if vehicle.vin == vin]
        assert len(alone.vehicles) == count
        assert alone.last_change == among_others.last_change


async def test_an_account_without_changes_has_the_beginning_as_its_place(store: Store, acme: int) -> None:
    gate = store.read(acme).gate
    assert (await gate.load_gate([HUMMER])).last_change == START
    assert (await gate.load_gate([HUMMER, JEEP])).last_change == START
