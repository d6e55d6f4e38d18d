// Calls a server with the client that OpenAPI Generator makes for fetch, and prints what came back.

import {
  AdministrationApi, Configuration, FeedApi, GateApi, ResponseError, SettableStatusId, StatusApi, VehiclesApi,
  type ProblemShape, type VehicleStatusChanged,
} from "./client/index.js";

const [address = "", accessToken = "", vin = "", unknownVin = ""] = process.argv.slice(2);
const configuration = new Configuration({ basePath: address, accessToken });
const vehicles = new VehiclesApi(configuration);
const statuses = new StatusApi(configuration);

const registered = await vehicles.putVehicle({ vin, vehicleBody: { plate: "RTA412C" } });
await vehicles.putVehicle({ vin, vehicleBody: { plate: "RTA413C" } });
const statusBody = { vehicleStatusId: SettableStatusId.IN_THE_SHOP, reason: "Brakes" };
await statuses.setVehicleStatus({ vin, statusBody });
const changes = (await new FeedApi(configuration).listChanges()).changes.filter((change) => change.vin === vin);
const entered = changes.filter((change): change is VehicleStatusChanged & { type: "vehicle.status_changed" } => change.type === "vehicle.status_changed");
const verdict = await new GateApi(configuration).checkVehicle({ vin, operation: "dispatch" });
const { history } = await vehicles.listVehicleHistory({ vin });
const infoChanged = history.find((change) => change.type === "infoChanged");
const { events } = await new AdministrationApi(configuration).listAccountEvents();
let problem: ProblemShape | undefined;
try {
  await statuses.getVehicleStatus({ vin: unknownVin });
} catch (error) {
  if (error instanceof ResponseError) problem = (await error.response.json()) as ProblemShape;
}
console.log(JSON.stringify({
  operational: registered.operational,
  types: changes.map((change) => change.type),
  toStatusIds: entered.map((change) => change.toStatusId),
  allowed: verdict.allowed,
  reason: verdict.reason,
  formerPlate: infoChanged?.former?.["plate"],
  acts: events.map((act) => [act.type, act.details]),
  error: problem?.errorDetail,
}));
