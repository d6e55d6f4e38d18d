"""A worker for Padrón that needs only Python: it claims vehicles, works on each, and answers.

Run as many as you like, anywhere, until Ctrl-C or SIGTERM:

    API_URL=http://127.0.0.1:8080 API_KEY=padron_... python worker_example.py query-fines
"""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

LIMIT = 10  # few enough to answer all of them within one lease
WAIT_S = 20  # the server answers at once when there is work, and otherwise after this time
RETRY_S = 1
ARGUMENT_COUNT = 2  # of the command line, the program's own name included


def work_on(vin: str) -> object:
    """Do the work on one vehicle and give its result: any JSON. This is the part to replace."""
    return {"fines": [], "askedFor": vin}


def call(path: str, body: object) -> dict[str, Any]:
    """Send a request and give the answer's body; wait and repeat while the server cannot answer."""
    headers = {"Authorization": f"Bearer {os.environ['API_KEY']}", "Content-Type": "application/json"}
    url = f"{os.environ['API_URL'].rstrip('/')}/api/v2/operations/{urllib.parse.quote(path)}"
    while True:
        request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")  # noqa: S310 - ours
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S + 10) as reply:  # noqa: S310 - the address is ours
                answer: dict[str, Any] = json.load(reply)
                return answer
        except urllib.error.HTTPError as error:
            with error:
                try:
                    answer = json.load(error)
                except ValueError:
                    sys.exit(f"{url} answered {error.code}, and not as Padrón does: check API_URL.")
            if error.code not in {429, 503}:
                if "results" in answer:
                    return answer  # no result could be stored, and each one says why
                sys.exit(f"{answer['title']}: {answer['detail']}")
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            print(f"The server cannot be reached: {error}", flush=True)
        # A retry is safe: a lost claim can be claimed again when its lease ends, and a result is stored once.
        time.sleep(RETRY_S)


def read_settings() -> str:
    """Give the name of the operation to work for, or end with what is missing."""
    missing = [name for name in ("API_URL", "API_KEY") if not os.environ.get(name)]
    if missing:
        sys.exit(f"The environment variable {' and '.join(missing)} is missing: set API_URL and API_KEY.")
    if not os.environ["API_URL"].startswith(("http://", "https://")):
        sys.exit("API_URL must begin with http:// or https://, as in http://127.0.0.1:8080.")
    if len(sys.argv) != ARGUMENT_COUNT:
        sys.exit(f"Name the operation to work for, and nothing else: python {sys.argv[0]} query-fines")
    return sys.argv[1]


def main() -> None:
    """Work until the process gets a signal to stop."""
    operation = read_settings()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    while True:
        results = []
        for claim in call(f"{operation}/claims", {"limit": LIMIT, "wait": WAIT_S})["claims"]:
            answer: dict[str, object] = {"claimId": claim["id"]}
            try:
                results.append({**answer, "outcome": "succeeded", "result": work_on(claim["vin"])})
            except Exception as error:  # noqa: BLE001 - whatever it is, the server hands the vehicle out again
                results.append({**answer, "outcome": "failed", "result": str(error)})
        if results:
            for answer in call(f"{operation}/claims/results", {"results": results})["results"]:
                # ClaimWithdrawn: the vehicle was deactivated meanwhile. Drop what was found out about it.
                print(answer["claimId"], answer.get("errorDetail") or answer["state"], flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
