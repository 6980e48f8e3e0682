// Calls the API through the client that oapi-codegen generated, and prints what it saw as JSON.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strconv"

	"veil.example/clients/oapi-codegen/api"
)

func main() {
	url, token, name, idempotencyKey := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	ctx := context.Background()
	authorize := api.WithRequestEditorFn(func(_ context.Context, request *http.Request) error {
		request.Header.Set("Authorization", "Bearer "+token)
		return nil
	})
	client, err := api.NewClientWithResponses(url, authorize)
	check(err)

	made, err := client.CreateKeyWithResponse(ctx, &api.CreateKeyParams{IdempotencyKey: &idempotencyKey}, api.CreateKey{Name: &name})
	check(err)
	key := made.JSON200
	id, uuid := strconv.FormatInt(key.KeyId, 10), key.Uuid.String()

	byID, err := client.GetKeyWithResponse(ctx, id, nil)
	check(err)
	byUUID, err := client.GetKeyWithResponse(ctx, uuid, nil)
	check(err)
	limit, after := 1, key.KeyId-1
	page, err := client.ListKeysWithResponse(ctx, &api.ListKeysParams{Limit: &limit, After: &after})
	check(err)
	link, err := client.GetKeyLinkWithResponse(ctx, uuid, nil)
	check(err)
	links, err := client.GetKeyLinksWithResponse(ctx, id, nil)
	check(err)
	refresh := false
	traffic, err := client.GetKeyTrafficWithResponse(ctx, uuid, &api.GetKeyTrafficParams{Refresh: &refresh})
	check(err)
	reset, err := client.ResetKeyTrafficWithResponse(ctx, id, nil)
	check(err)
	async := "respond-async"
	later, err := client.CreateKeyWithResponse(ctx, &api.CreateKeyParams{Prefer: &async}, api.CreateKey{})
	check(err)
	job, err := client.GetJobWithResponse(ctx, later.JSON202.JobId, nil)
	check(err)
	deleted, err := client.DeleteKeyWithResponse(ctx, uuid, nil)
	check(err)
	var numbered, named api.DeleteKeys_KeyIds_Item
	check(numbered.FromDeleteKeysKeyIds0(key.KeyId))
	check(named.FromDeleteKeysKeyIds1(key.Uuid))
	batch, err := client.DeleteKeysWithResponse(ctx, nil, api.DeleteKeys{KeyIds: []api.DeleteKeys_KeyIds_Item{numbered, named}})
	check(err)
	item, err := batch.JSON200.Results[1].AsBatchItemFailed()
	check(err)
	missing, err := client.GetKeyWithResponse(ctx, id, nil)
	check(err)

	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"id": key.KeyId, "name": *key.Name, "uuid": uuid,
		"byId": byID.JSON200.Uuid, "byUuid": byUUID.JSON200.KeyId,
		"listed": page.JSON200.Keys[0].KeyId, "total": page.JSON200.Total,
		"link": link.JSON200.VlessLink, "links": len(links.JSON200.Links),
		"traffic": traffic.JSON200.Total, "reset": reset.JSON200.PreviousTotal,
		"job": job.JSON200.JobId == later.JSON202.JobId, "deleted": deleted.JSON200.Message,
		"failed": batch.JSON200.Failed, "item": item.Detail, "missing": missing.JSON404.Detail,
	}))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
