"""The figures of a continuous backup are those that the guide and the alerts name."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from padron.store.backups import BackupState
from padron.store.sqlite.backup.measures import give_backup_families
from tests.store.kept_backups import keep

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def give_values(state: BackupState) -> dict[str, object]:
    return {family.name: family.samples[()] for family in give_backup_families(state, NOW)}


def test_the_guide_and_the_alerts_name_each_figure_and_no_other() -> None:
    state = BackupState(folder="x", copied_at=NOW, base_at=NOW, checked_at=NOW)
    names = set(give_values(state))
    guide = (ROOT / "docs" / "observing.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(padron_backup_\w+)`", guide, re.MULTILINE)) == names
    for path in ("deploy/prometheus/alerts.yml", "deploy/grafana/padron.json"):
        used = set(re.findall(r"\bpadron_backup_\w+", (ROOT / path).read_text("utf-8")))
        assert used
        assert used <= names


def test_the_figures_say_what_is_wrong() -> None:
    values = give_values(
        BackupState(
            folder="x",
            trouble="No space left on device",
            copied_at=NOW - timedelta(seconds=5),
            waiting_bytes=7,
            base_at=NOW - timedelta(hours=1),
            checked_at=NOW - timedelta(days=1),
            check_trouble="damaged",
        )
    )
    assert values == {
        "padron_backup_working": 0,
        "padron_backup_age_seconds": 5.0,
        "padron_backup_copied_bytes": 0,
        "padron_backup_waiting_bytes": 7,
        "padron_backup_base_age_seconds": 3_600.0,
        "padron_backup_check_age_seconds": 86_400.0,
        "padron_backup_check_good": 0,
    }


async def test_a_store_gives_them_beside_its_own(tmp_path: Path) -> None:
    async with keep(tmp_path) as kept:
        await kept.write(1)
        await kept.wait_until_copied()
        names = {family.name for family in kept.store.give_families()}
        assert {"padron_backup_age_seconds", "padron_backup_working", "padron_sqlite_log_bytes"} <= names
        assert "padron_backup_check_good" not in names
