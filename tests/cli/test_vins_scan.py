"""``padron vins scan``."""

from pathlib import Path

import pytest

from padron.domain.barcode import Symbology
from padron.files.pictures import PICTURE_BYTES_MAX
from tests.barcodes import draw_barcode, encode_picture, lay_out, make_photo
from tests.cast import HUMMER, JEEP
from tests.cli.conftest import Cli, check_sentence


@pytest.fixture
def label(tmp_path: Path) -> Path:
    path = tmp_path / "label.png"
    path.write_bytes(encode_picture(lay_out(draw_barcode(f"I{HUMMER}"), draw_barcode(JEEP, Symbology.QR_CODE, 5))))
    return path


def test_the_vins_of_pictures_are_printed_and_no_database_is_made(cli: Cli, label: Path, tmp_path: Path) -> None:
    (tmp_path / "other.png").write_bytes(make_photo("33 PSI"))
    answer = cli("vins", "scan", str(label), str(tmp_path / "other.png"))
    assert answer.status == 1
    rows = [line.split()[1:] for line in answer.out.splitlines()[1:]]
    assert sorted(rows) == [[HUMMER, "code39"], [JEEP, "qrCode"]]
    assert {path.name for path in tmp_path.iterdir()} == {"label.png", "other.png"}


def test_they_are_given_as_json(cli: Cli, label: Path) -> None:
    answer = cli("vins", "scan", str(label), "--json")
    assert answer.status == 0
    (picture,) = answer.document["pictures"]
    assert picture["picture"] == str(label)
    assert {"vin": HUMMER, "symbology": "code39"} in picture["vins"]


@pytest.mark.parametrize(
    "content, said",
    [(None, "cannot be read"), (b"GIF89a", "neither a JPEG"), (bytes(PICTURE_BYTES_MAX + 1), "more than 12 MB")],
    ids=["none", "GIF", "large"],
)
def test_what_cannot_be_read_is_refused(cli: Cli, tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "photo"
    if content is not None:
        path.write_bytes(content)
    check_sentence(cli("vins", "scan", str(path)), 1, said)


def test_no_picture_at_all_is_wrong_usage(cli: Cli) -> None:
    check_sentence(cli("vins", "scan"), 2, "There is no picture")
