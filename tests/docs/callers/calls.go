// Calls a server with the client that OpenAPI Generator makes for Go, and prints what came back.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	padron "padron"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	address, key, vin, unknownVin := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	configuration := padron.NewConfiguration()
	configuration.Servers = padron.ServerConfigurations{{URL: address}}
	client := padron.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), padron.ContextAccessToken, key)

	body := padron.NewVehicleBody()
	body.SetPlate("RTA412C")
	registered, _, err := client.VehiclesAPI.PutVehicle(ctx, vin).VehicleBody(*body).Execute()
	check(err)
	body.SetPlate("RTA413C")
	_, _, err = client.VehiclesAPI.PutVehicle(ctx, vin).VehicleBody(*body).Execute()
	check(err)
	status := padron.NewStatusBody(padron.SETTABLESTATUSID_IN_THE_SHOP)
	status.SetReason("Brakes")
	_, _, err = client.StatusAPI.SetVehicleStatus(ctx, vin).StatusBody(*status).Execute()
	check(err)
	page, _, err := client.FeedAPI.ListChanges(ctx).Execute()
	check(err)
	types, entered := []string{}, []int{}
	for _, change := range page.GetChanges() {
		switch one := change.GetActualInstance().(type) {
		case *padron.VehicleRegistered:
			if one.GetVin() == vin {
				types = append(types, one.GetType())
			}
		case *padron.VehicleInfoChanged:
			types = append(types, one.GetType())
		case *padron.VehicleStatusChanged:
			types = append(types, one.GetType())
			entered = append(entered, int(one.GetToStatusId()))
		}
	}
	verdict, _, err := client.GateAPI.CheckVehicle(ctx, vin).Operation("dispatch").Execute()
	check(err)
	history, _, err := client.VehiclesAPI.ListVehicleHistory(ctx, vin).Execute()
	check(err)
	var formerPlate string
	for _, change := range history.GetHistory() {
		if former := change.GetFormer(); change.GetType() == "infoChanged" {
			plate := former["plate"]
			formerPlate = *plate.String
		}
	}
	events, _, err := client.AdministrationAPI.ListAccountEvents(ctx).Execute()
	check(err)
	acts := [][]interface{}{}
	for _, act := range events.GetEvents() {
		acts = append(acts, []interface{}{act.GetType(), act.GetDetails()})
	}
	_, _, err = client.StatusAPI.GetVehicleStatus(ctx, unknownVin).Execute()
	problem := err.(*padron.GenericOpenAPIError).Model().(padron.ProblemShape)
	said, err := json.Marshal(map[string]interface{}{
		"operational": registered.GetOperational(),
		"types":       types,
		"toStatusIds": entered,
		"allowed":     verdict.GetAllowed(),
		"reason":      verdict.GetReason(),
		"formerPlate": formerPlate,
		"acts":        acts,
		"error":       problem.GetErrorDetail(),
	})
	check(err)
	fmt.Println(string(said))
}
