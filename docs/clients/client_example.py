"""A client of Padrón that needs only Python. Each function does one task, so copy what you need.

export API_URL=http://127.0.0.1:8080 API_KEY=padron_...
python client_example.py set-status 3LNHL2GC1BR262548 4 "Brakes, until Friday"
python client_example.py ask-gate 3LNHL2GC1BR262548 dispatch
python client_example.py follow cursor.txt
WEBHOOK_SECRET=whsec_... python client_example.py receive 8081
"""

import base64
import binascii
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WAIT_S = 20  # how long the server holds a question for changes
ATTEMPTS = 8
PAUSE_S = 0.5  # before the second attempt; then twice as long each time
TOLERANCE_S = 300  # how old a message may be
MESSAGE_BYTES_MAX = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What the server answered. ``body`` is None if it is empty."""

    status: int
    headers: Mapping[str, str]
    body: Any


def call(method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Reply:
    """Send a request, and again while the server cannot answer. End the program if it refuses the request."""
    sent = {"Authorization": f"Bearer {os.environ['API_KEY']}", "Content-Type": "application/json", **(headers or {})}
    content = None if body is None else json.dumps(body).encode()
    for attempt in range(ATTEMPTS):
        request = urllib.request.Request(os.environ["API_URL"] + path, content, sent, method=method)  # noqa: S310 - ours
        pause = PAUSE_S * 2**attempt
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S + 10) as answer:  # noqa: S310 - the address is ours
                text = answer.read()
                return Reply(status=answer.status, headers=answer.headers, body=json.loads(text) if text else None)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
            if error.code in {HTTPStatus.GONE, HTTPStatus.PRECONDITION_FAILED}:
                return Reply(status=error.code, headers=error.headers, body=json.loads(text))
            if error.code not in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
                sys.exit(f"{error.code}: {json.loads(text)['detail']}")
            pause = float(error.headers.get("Retry-After", pause))
        except OSError as error:  # no connection, or one that ended before the answer
            print(f"The server cannot be reached: {error}", file=sys.stderr)
        time.sleep(pause)
    sys.exit(f"The server did not answer {ATTEMPTS} times.")


def set_status(vin: str, status_id: int, reason: str) -> None:
    """Set a status, unless somebody else changes the vehicle after we have looked at it."""
    path = f"/api/v2/vehicles/{vin}/status"
    tag = call("GET", path).headers["ETag"]
    reply = call("PATCH", path, {"vehicleStatusId": status_id, "reason": reason}, {"If-Match": tag})
    if reply.status == HTTPStatus.PRECONDITION_FAILED:
        # Somebody changed the vehicle, or our own first attempt did, whose answer was lost.
        now = call("GET", path).body
        if now["vehicleStatusId"] != status_id:
            sys.exit(f"Meanwhile {now['changedByName']} set {now['name']}. Decide again.")
    print(f"{vin} has the status {status_id}.")


def ask_gate(vin: str, operation: str) -> bool:
    """Say whether an operation may touch a vehicle. Ask each time, just before it does."""
    verdict = call("GET", f"/api/v2/gate/{vin}?operation={urllib.parse.quote(operation)}").body
    print("allowed" if verdict["allowed"] else f"refused: {verdict['reason']}")
    return bool(verdict["allowed"])


def follow(place: Path) -> None:
    """Work on each change in order. The file keeps the cursor, so the next start continues there."""
    query: dict[str, object] = {"wait": WAIT_S}
    if place.exists():
        query["after"] = place.read_text("utf-8")
    while True:
        reply = call("GET", f"/api/v2/changes?{urllib.parse.urlencode(query)}")
        if reply.status == HTTPStatus.GONE:  # a backup was restored
            place.unlink()
            sys.exit("The cursor is gone: load your copy of the vehicles again, then start again.")
        for change in reply.body["changes"]:
            print(json.dumps(change), flush=True)  # the part to replace
        # Only now, so that no change is missed. If the program is killed before this, it sees some changes twice.
        query["after"] = reply.body["nextCursor"]
        fresh = place.with_suffix(".new")
        fresh.write_text(reply.body["nextCursor"], "utf-8")
        fresh.replace(place)


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Say whether a message is from Padrón and recent."""
    sent_at = headers.get("webhook-timestamp", "")
    if not sent_at.isdecimal() or abs(time.time() - int(sent_at)) > TOLERANCE_S:
        return False
    signed = f"{headers.get('webhook-id', '')}.{sent_at}.".encode() + body
    digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, "sha256")
    for given in headers.get("webhook-signature", "").split(" "):  # two, while a secret is replaced
        try:
            if given.startswith("v1,") and hmac.compare_digest(base64.b64decode(given[3:]), digest):
                return True
        except binascii.Error:
            continue
    return False


class Receiver(BaseHTTPRequestHandler):
    """Receives messages. Behind a proxy with TLS, this is all that a receiver needs."""

    seen: set[str] = set()  # noqa: RUF012 - of all requests. Keep these ids where you keep what a message leads to

    def do_POST(self) -> None:
        """Take a message, answer, and only then work on it: Padrón waits 15 seconds for the answer."""
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length) if length <= MESSAGE_BYTES_MAX else b""
        is_real = verify(os.environ["WEBHOOK_SECRET"], self.headers, body)
        self.send_response(204 if is_real else 401)
        self.end_headers()
        if is_real and self.headers["webhook-id"] not in self.seen:  # a message may come twice
            self.seen.add(self.headers["webhook-id"])
            print(json.dumps(json.loads(body)), flush=True)  # the part to replace

    def log_message(self, *_: object) -> None:
        """Be silent: standard error is for troubles."""


def main() -> None:
    """Do the task that the command line names."""
    match sys.argv[1:]:
        case ["set-status", vin, status_id, reason]:
            set_status(vin, int(status_id), reason)
        case ["ask-gate", vin, operation]:
            sys.exit(0 if ask_gate(vin, operation) else 3)
        case ["follow", place]:
            follow(Path(place))
        case ["receive", port]:
            ThreadingHTTPServer(("127.0.0.1", int(port)), Receiver).serve_forever()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
