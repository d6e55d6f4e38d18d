"""The errors about pictures of barcodes."""

from padron.http.answers.problem import Problem

SCANNING_UNAVAILABLE = Problem(
    slug="scanning-unavailable", status=501, title="Pictures not supported", error_type="notImplemented",
    error_detail="ScanningUnavailable",
    meaning="This server cannot read pictures, because the packages for it are not installed.",
    remedy="Ask the operator to install Padrón with its extra scan: pip install 'padron[scan]'. Reading the barcode "
    "yourself and asking for the vehicle by its VIN always works.",
)  # fmt: skip
