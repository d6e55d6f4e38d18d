// A client of Padrón for Node 24, with the types that openapi-typescript makes of /openapi.json. Each function does
// one task, so copy what you need. Node runs TypeScript as it is, and fetch is the one that browsers have.
//
//     npx openapi-typescript http://127.0.0.1:8080/openapi.json -o padron.ts
//     export API_URL=http://127.0.0.1:8080 API_KEY=padron_...
//     node client_example.mts set-status 3LNHL2GC1BR262548 4 "Brakes, until Friday"
//     node client_example.mts ask-gate 3LNHL2GC1BR262548 dispatch
//     node client_example.mts follow cursor.txt
//     WEBHOOK_SECRET=whsec_... node client_example.mts receive 8081

import { createHmac, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { components, paths, webhooks } from "./padron.ts";

type Shapes = components["schemas"];
type Feed = NonNullable<paths["/api/v2/changes"]["get"]["parameters"]["query"]>;
type Payload = webhooks[keyof webhooks]["post"]["requestBody"]["content"]["application/json"];

const WAIT_S = 20; // how long the server holds a question for changes
const ATTEMPTS = 8;
const PAUSE_MS = 500; // before the second attempt; then twice as long each time
const TOLERANCE_S = 300; // how old a message may be
const MESSAGE_BYTES_MAX = 1_000_000;
const { API_URL = "", API_KEY = "", WEBHOOK_SECRET = "" } = process.env;

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}

/** Send a request, and again while the server cannot answer. End the program if it refuses the request. */
async function call(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Response> {
  const sent = { Authorization: `Bearer ${API_KEY}`, "Content-Type": "application/json", ...headers };
  const content = body === undefined ? null : JSON.stringify(body);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    let wait = PAUSE_MS * 2 ** attempt;
    try {
      const signal = AbortSignal.timeout((WAIT_S + 10) * 1000);
      const reply = await fetch(API_URL + path, { method, headers: sent, body: content, signal });
      if (reply.ok || [410, 412].includes(reply.status)) return reply;
      if (![429, 503].includes(reply.status)) {
        const problem = (await reply.json()) as Shapes["ProblemShape"];
        fail(`${problem.status}: ${problem.detail}`);
      }
      wait = Number(reply.headers.get("Retry-After") ?? wait / 1000) * 1000;
    } catch (error) {
      console.error(`The server cannot be reached: ${error}`);
    }
    await pause(wait);
  }
  return fail(`The server did not answer ${ATTEMPTS} times.`);
}

/** Set a status, unless somebody else changes the vehicle after we have looked at it. */
async function setStatus(vin: string, body: Shapes["StatusBody"]): Promise<void> {
  const path = `/api/v2/vehicles/${vin}/status`;
  const before = await call("GET", path);
  const reply = await call("PATCH", path, body, { "If-Match": before.headers.get("ETag") ?? "*" });
  if (reply.status === 412) {
    // Somebody changed the vehicle, or our own first attempt did, whose answer was lost.
    const now = (await (await call("GET", path)).json()) as Shapes["VehicleStatusShape"];
    if (now.vehicleStatusId !== body.vehicleStatusId) {
      fail(`Meanwhile ${now.changedByName} set ${now.name}. Decide again.`);
    }
  }
  console.log(`${vin} has the status ${body.vehicleStatusId}.`);
}

/** Say whether an operation may touch a vehicle. Ask each time, just before it does. */
async function askGate(vin: string, operation: string): Promise<boolean> {
  const reply = await call("GET", `/api/v2/gate/${vin}?operation=${encodeURIComponent(operation)}`);
  const verdict = (await reply.json()) as Shapes["GateSingle"];
  console.log(verdict.allowed ? "allowed" : `refused: ${verdict.reason}`);
  return verdict.allowed;
}

/** Work on each change in order. The file keeps the cursor, so the next start continues there. */
async function follow(place: string): Promise<void> {
  const query: Feed = { wait: WAIT_S };
  if (existsSync(place)) query.after = readFileSync(place, "utf-8");
  while (true) {
    const words = Object.entries(query).map(([name, value]) => [name, String(value)]);
    const reply = await call("GET", `/api/v2/changes?${new URLSearchParams(Object.fromEntries(words))}`);
    if (reply.status === 410) {
      rmSync(place); // a backup was restored
      fail("The cursor is gone: load your copy of the vehicles again, then start again.");
    }
    const page = (await reply.json()) as Shapes["ChangeList"];
    for (const change of page.changes) {
      console.log(JSON.stringify(change)); // the part to replace
      if (change.type === "vehicle.status_changed" && !change.operational) {
        console.error(`${change.vin} must be left out: status ${change.toStatusId}`);
      }
    }
    // Only now, so that no change is missed. If the program is killed before this, it sees some changes twice.
    query.after = page.nextCursor;
    writeFileSync(`${place}.new`, page.nextCursor);
    renameSync(`${place}.new`, place);
  }
}

/** Say whether a message is from Padrón and recent. */
function verify(secret: string, headers: IncomingHttpHeaders, body: Buffer): boolean {
  const [id, sentAt, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => `${headers[name]}`);
  if (!/^\d+$/.test(sentAt!) || Math.abs(Date.now() / 1000 - Number(sentAt)) > TOLERANCE_S) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const digest = createHmac("sha256", key).update(`${id}.${sentAt}.`).update(body).digest();
  return signatures!.split(" ").some((one) => {  // two, while a secret is replaced
    const given = Buffer.from(one.replace(/^v1,/, ""), "base64");
    return one.startsWith("v1,") && given.length === digest.length && timingSafeEqual(given, digest);
  });
}

/** Receive messages. Behind a proxy with TLS, this is all that a receiver needs. */
function receive(port: number): void {
  const seen = new Set<string>(); // keep these ids where you keep what a message leads to
  createServer(async (request, reply) => {
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of request) {
      length += part.length;
      if (length > MESSAGE_BYTES_MAX) return void request.destroy();
      parts.push(part);
    }
    const body = Buffer.concat(parts);
    const isReal = verify(WEBHOOK_SECRET, request.headers, body);
    reply.writeHead(isReal ? 204 : 401).end(); // answer first: Padrón waits 15 seconds for it
    const id = `${request.headers["webhook-id"]}`;
    if (!isReal || seen.has(id)) return; // a message may come twice
    seen.add(id);
    const message = JSON.parse(body.toString()) as Payload;
    console.log(JSON.stringify(message)); // the part to replace
  }).listen(port, "127.0.0.1");
}

const [task, first = "", second = "", third = ""] = process.argv.slice(2);
if (task === "set-status") await setStatus(first, { vehicleStatusId: Number(second) as Shapes["SettableStatusId"], reason: third });
else if (task === "ask-gate") process.exitCode = (await askGate(first, second)) ? 0 : 3;
else if (task === "follow") await follow(first);
else if (task === "receive") receive(Number(first));
else fail("Name a task: set-status, ask-gate, follow or receive.");
