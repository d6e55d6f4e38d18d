#!/usr/bin/env bash
# A client of Padrón with curl. Each function does one task, so copy what you need. A receiver of webhooks needs a
# program that listens, as the other examples are.
#
#     export API_URL=http://127.0.0.1:8080 API_KEY=padron_...
#     ./client_example.sh set-status 3LNHL2GC1BR262548 4 "Brakes, until Friday"
#     ./client_example.sh ask-gate 3LNHL2GC1BR262548 dispatch
#     ./client_example.sh follow cursor.txt
set -euo pipefail

# Set answer, etag and status. curl waits as long as Retry-After says, and sends a request again after 429, 503, or a
# lost connection.
call() {
  answer=$(curl --silent --show-error --max-time 30 --retry 7 --retry-all-errors -w '\n%header{etag}\n%{http_code}' \
    -H "Authorization: Bearer $API_KEY" -H 'Content-Type: application/json' "$@")
  status=${answer##*$'\n'} answer=${answer%$'\n'*}
  etag=${answer##*$'\n'} answer=${answer%$'\n'*}
}

fail() {
  echo "$1" >&2
  exit 1
}

# Set a status, unless somebody else changes the vehicle after we have looked at it. The reason must be without quotes.
set_status() {
  local address="$API_URL/api/v2/vehicles/$1/status"
  call "$address"
  [ "$status" = 200 ] || fail "$answer"
  call -X PATCH "$address" -H "If-Match: $etag" -d "{\"vehicleStatusId\": $2, \"reason\": \"$3\"}"
  if [ "$status" = 412 ]; then # Somebody changed the vehicle, or our own first attempt did, whose answer was lost.
    call "$address"
    grep -q "\"vehicleStatusId\":$2[,}]" <<<"$answer" || fail 'Somebody changed the vehicle meanwhile. Decide again.'
  elif [ "$status" != 204 ]; then
    fail "$answer"
  fi
  echo "$1 has the status $2."
}

# Say whether an operation may touch a vehicle. Ask each time, just before it does.
ask_gate() {
  call -G "$API_URL/api/v2/gate/$1" --data-urlencode "operation=$2"
  [ "$status" = 200 ] || fail "$answer"
  if grep -q '"allowed":true' <<<"$answer"; then echo allowed; else echo "refused: $answer" && exit 3; fi
}

# Work on each change in order. The file keeps the cursor, so the next start continues there. The stream has lines: the
# cursor after "id:", the change after "data:", and an empty line.
follow() {
  local line cursor
  while true; do
    cursor=$(cat "$1" 2>/dev/null || true)
    curl --silent --show-error --fail --no-buffer --retry 7 --retry-connrefused "$API_URL/api/v2/changes" \
      -H "Authorization: Bearer $API_KEY" -H 'Accept: text/event-stream' ${cursor:+-H "Last-Event-ID: $cursor"} |
      while IFS= read -r line; do
        case $line in
          'id: '*) cursor=${line#id: } ;;
          'data: '*) echo "${line#data: }" ;; # the part to replace
          '') [ -z "$cursor" ] || { echo "$cursor" >"$1.new" && mv "$1.new" "$1"; } ;; # only now, so that no change is missed
        esac
      done || [ "${PIPESTATUS[0]}" != 22 ] ||
      fail 'The server refuses. After 410, load your copy of the vehicles again and delete the cursor.'
    sleep 1
  done
}

case ${1:-} in
  set-status) set_status "${@:2}" ;;
  ask-gate) ask_gate "${@:2}" ;;
  follow) follow "${@:2}" ;;
  *) fail 'Name a task: set-status, ask-gate or follow.' ;;
esac
