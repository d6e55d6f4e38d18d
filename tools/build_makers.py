"""Writes the table of makers from the stand-alone database of NHTSA's vPIC, as SQLite.

    python tools/build_makers.py vpic.lite.db > src/padron/service/vehicles/makers.tsv

vPIC (vpic.nhtsa.dot.gov) has the makers' reports under 49 CFR 565 and 566: their world manufacturer identifiers, and
the kind of vehicle of each. It is a work of the United States government, and so in the public domain.
"""

import sys

import apsw

# A truck's weight decides whether it is light, and an identifier seldom says it. vPIC says it for a few identifiers.
# Otherwise a truck counts as light if its manufacturer also makes cars, or builds it for one of the makes below.
QUESTION = """
WITH kinds (vehicle_type_id, kind) AS (VALUES
    (1, 'motorcycle'), (2, 'car'), (3, 'truck'), (5, 'bus'), (6, 'trailer'), (7, 'mpv'), (9, 'lowSpeed'),
    (10, 'incomplete'), (13, 'offRoad')
),
car_makers AS (SELECT DISTINCT ManufacturerId AS id FROM Wmi WHERE VehicleTypeId IN (2, 7) AND length(Wmi) = 3),
makes AS (
    SELECT x.WmiId AS wmi_id, count(*) AS number, min(m.Name) AS name
    FROM Wmi_Make AS x JOIN Make AS m ON m.Id = x.MakeId GROUP BY x.WmiId
)
SELECT upper(w.Wmi),
    CASE WHEN k.kind <> 'truck' THEN k.kind WHEN w.TruckTypeId = 2 THEN 'heavyTruck'
        WHEN w.TruckTypeId = 1 OR w.ManufacturerId IN (SELECT id FROM car_makers)
            OR coalesce(main.Name, makes.name) IN ('Ford', 'Honda', 'Mazda', 'Mitsubishi', 'Nissan', 'Toyota')
        THEN 'lightTruck'
        ELSE 'heavyTruck' END,
    CASE WHEN main.Name IS NOT NULL THEN main.Name WHEN makes.number = 1 THEN makes.name ELSE f.Name END
FROM Wmi AS w
LEFT JOIN kinds AS k ON k.vehicle_type_id = w.VehicleTypeId
LEFT JOIN Make AS main ON main.Id = w.MakeId
LEFT JOIN makes ON makes.wmi_id = w.Id
LEFT JOIN Manufacturer AS f ON f.Id = w.ManufacturerId
ORDER BY 1
"""


def main() -> int:
    """Print a line for each identifier that has a maker."""
    connection = apsw.Connection(sys.argv[1], flags=apsw.SQLITE_OPEN_READONLY)
    (newest,) = next(connection.execute("SELECT substr(max(UpdatedOn), 1, 10) FROM Wmi"))
    print(f"# World manufacturer identifiers, from NHTSA's vPIC as of {newest} (public domain).")
    for wmi, kind, maker in connection.execute(QUESTION):
        if maker is not None:
            print(wmi, kind or "other", " ".join(maker.split()), sep="\t")
    return 0


if __name__ == "__main__":
    sys.exit(main())
