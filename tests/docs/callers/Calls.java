// Calls a server with the client that OpenAPI Generator makes for Java, and prints what came back.

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.AdministrationApi;
import org.openapitools.client.api.FeedApi;
import org.openapitools.client.api.GateApi;
import org.openapitools.client.api.StatusApi;
import org.openapitools.client.api.VehiclesApi;
import org.openapitools.client.model.HistoryShape;
import org.openapitools.client.model.SettableStatusId;
import org.openapitools.client.model.StatusBody;
import org.openapitools.client.model.VehicleBody;
import org.openapitools.client.model.VehicleInfoChanged;
import org.openapitools.client.model.VehicleRegistered;
import org.openapitools.client.model.VehicleStatusChanged;

public class Calls {
    public static void main(String[] words) throws Exception {
        var vin = words[2];
        var client = new ApiClient();
        client.updateBaseUri(words[0]);
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + words[1]));
        var vehicles = new VehiclesApi(client);
        var statuses = new StatusApi(client);
        var said = new LinkedHashMap<String, Object>();

        said.put("operational", vehicles.putVehicle(vin, new VehicleBody().plate("RTA412C"), null, null).getOperational());
        vehicles.putVehicle(vin, new VehicleBody().plate("RTA413C"), null, null);
        var body = new StatusBody().vehicleStatusId(SettableStatusId.IN_THE_SHOP).reason("Brakes");
        statuses.setVehicleStatus(vin, body, null);
        var types = new ArrayList<String>();
        var entered = new ArrayList<Integer>();
        for (var change : new FeedApi(client).listChanges(null, null, null, null, null, null).getChanges()) {
            var one = change.getActualInstance();
            if (one instanceof VehicleRegistered registered && registered.getVin().equals(vin)) {
                types.add(registered.getType().getValue());
            } else if (one instanceof VehicleInfoChanged changed) {
                types.add(changed.getType().getValue());
            } else if (one instanceof VehicleStatusChanged changed) {
                types.add(changed.getType().getValue());
                entered.add(changed.getToStatusId().getValue());
            }
        }
        said.put("types", types);
        said.put("toStatusIds", entered);
        var verdict = new GateApi(client).checkVehicle(vin, "dispatch", null);
        said.put("allowed", verdict.getAllowed());
        said.put("reason", verdict.getReason().getValue());
        for (var change : vehicles.listVehicleHistory(vin, null, null, null, null).getHistory()) {
            if (change.getType() == HistoryShape.TypeEnum.INFO_CHANGED) {
                said.put("formerPlate", change.getFormer().get("plate").getActualInstance());
            }
        }
        said.put("acts", new AdministrationApi(client).listAccountEvents(null, null).getEvents().stream()
                .map(act -> List.of(act.getType().getValue(), act.getDetails())).toList());
        try {
            statuses.getVehicleStatus(words[3], null);
        } catch (ApiException error) {
            said.put("error", client.getObjectMapper().readTree(error.getResponseBody()).get("errorDetail").asText());
        }
        System.out.println(client.getObjectMapper().writeValueAsString(said));
    }
}
