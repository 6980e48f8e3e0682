// Calls the API through the client that OpenAPI Generator wrote, and prints what it saw as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"
	"strconv"

	"veil.example/clients/openapi-generator/api"
)

func main() {
	url, token, name, idempotencyKey := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	ctx := context.WithValue(context.Background(), api.ContextAccessToken, token)
	configuration := api.NewConfiguration()
	configuration.Servers = api.ServerConfigurations{{URL: url}}
	client := api.NewAPIClient(configuration)

	wanted := api.NewCreateKey()
	wanted.SetName(name)
	key, _, err := client.KeysAPI.CreateKey(ctx).IdempotencyKey(idempotencyKey).CreateKey(*wanted).Execute()
	check(err)
	id, uuid := strconv.FormatInt(key.KeyId, 10), key.Uuid

	byID, _, err := client.KeysAPI.GetKey(ctx, id).Execute()
	check(err)
	byUUID, _, err := client.KeysAPI.GetKey(ctx, uuid).Execute()
	check(err)
	page, _, err := client.KeysAPI.ListKeys(ctx).Limit(1).After(key.KeyId - 1).Execute()
	check(err)
	link, _, err := client.KeysAPI.GetKeyLink(ctx, uuid).Execute()
	check(err)
	links, _, err := client.KeysAPI.GetKeyLinks(ctx, id).Execute()
	check(err)
	traffic, _, err := client.TrafficAPI.GetKeyTraffic(ctx, uuid).Refresh(false).Execute()
	check(err)
	reset, _, err := client.TrafficAPI.ResetKeyTraffic(ctx, id).Execute()
	check(err)
	deleted, _, err := client.KeysAPI.DeleteKey(ctx, uuid).Execute()
	check(err)
	both := []api.DeleteKeysKeyIdsInner{{Int64: &key.KeyId}, {String: &uuid}}
	batch, _, err := client.BatchesAPI.DeleteKeys(ctx).DeleteKeys(*api.NewDeleteKeys(both)).Execute()
	check(err)
	_, _, err = client.KeysAPI.GetKey(ctx, id).Execute()
	var missing *api.GenericOpenAPIError
	if !errors.As(err, &missing) {
		log.Fatalf("the deleted key was found: %v", err)
	}

	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"id": key.KeyId, "name": key.GetName(), "uuid": uuid,
		"byId": byID.Uuid, "byUuid": byUUID.KeyId,
		"listed": page.Keys[0].KeyId, "total": page.Total,
		"link": link.VlessLink, "links": len(links.Links),
		"traffic": traffic.Total, "reset": reset.PreviousTotal, "deleted": deleted.Message,
		"failed": batch.Failed, "item": batch.Results[1].BatchItemFailed.Detail,
		"missing": missing.Model().(api.Error).Detail,
	}))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
