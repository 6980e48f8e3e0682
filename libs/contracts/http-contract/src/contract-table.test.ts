import { describe, expect, it } from "vitest";
import type { Endpoint } from "./endpoint.ts";
import { endpoints, operationIds } from "./endpoint-catalogue.ts";
import { messages } from "./messages.ts";

/** The failures that the contract for bots names, per endpoint. */
const printed = {
  "post /api/keys/batch": [400, 401, 500, 503],
  "post /api/keys/batch-delete": [400, 401, 500, 503],
  "post /api/keys/batch-update": [400, 401, 500, 503],
  "get /api/traffic": [401, 500],
  "get /api/jobs/{job_id}": [401, 404, 500, 503],
  "post /api/keys": [400, 401, 409, 500, 503],
  "get /api/keys": [401, 500],
  "get /api/keys/{key_id}": [401, 404, 500],
  "delete /api/keys/{key_id}": [401, 404, 500, 503],
  "patch /api/keys/{key_id}": [400, 401, 404, 409, 412, 500, 503],
  "post /api/keys/{key_id}/extend": [400, 401, 404, 412, 500, 503],
  "post /api/keys/{key_id}/revoke": [400, 401, 404, 412, 500, 503],
  "get /api/keys/by-external-id/{external_id}": [401, 404, 500],
  "put /api/keys/by-external-id/{external_id}": [400, 401, 412, 500, 503],
  "delete /api/keys/by-external-id/{external_id}": [401, 404, 500, 503],
  "get /api/keys/{key_id}/link": [401, 404, 409, 500],
  "get /api/keys/{key_id}/links": [401, 404, 500],
  "get /api/keys/{key_id}/qr.svg": [401, 404, 409, 500],
  "get /api/keys/{key_id}/qr.png": [401, 404, 409, 500],
  "get /api/keys/{key_id}/devices": [401, 404, 500],
  "delete /api/keys/{key_id}/devices": [401, 404, 500, 503],
  "delete /api/keys/{key_id}/devices/{id}": [401, 404, 500, 503],
  "get /api/keys/{key_id}/online": [401, 404, 500],
  "get /api/online": [401, 500],
  "get /api/keys/{key_id}/traffic": [401, 404, 500],
  "post /api/keys/{key_id}/traffic/reset": [401, 404, 500],
  "get /api/keys/{key_id}/usage": [401, 404, 500],
  "get /api/stats": [401, 500],
  "post /api/traffic/sync": [401, 500],
  "post /api/tokens": [400, 401, 403, 409, 500, 503],
  "get /api/events": [400, 401, 403, 500, 503],
  "get /api/tokens": [401, 403, 500, 503],
  "patch /api/tokens/{id}": [400, 401, 403, 404, 409, 500, 503],
  "delete /api/tokens/{id}": [401, 403, 404, 500, 503],
  "post /api/webhooks": [400, 401, 403, 409, 500, 503],
  "get /api/webhooks": [401, 403, 500, 503],
  "get /api/webhooks/{id}": [401, 403, 404, 500, 503],
  "patch /api/webhooks/{id}": [400, 401, 403, 404, 500, 503],
  "delete /api/webhooks/{id}": [401, 403, 404, 500, 503],
  "post /api/webhooks/{id}/test": [401, 403, 404, 500, 503],
  "get /api/nodes": [401, 403, 500, 503],
  "post /api/nodes": [400, 401, 403, 409, 500, 503],
  "get /api/nodes/{name}": [401, 403, 404, 500, 503],
  "get /api/nodes/{name}/health": [401, 403, 404, 500, 503],
  "patch /api/nodes/{name}": [400, 401, 403, 404, 409, 500, 503],
  "post /api/nodes/{name}/drain": [400, 401, 403, 404, 500, 503],
  "post /api/nodes/{name}/undrain": [401, 403, 404, 500, 503],
  "delete /api/nodes/{name}": [400, 401, 403, 404, 500, 503],
  "get /api/hosts": [401, 403, 500, 503],
  "post /api/hosts": [400, 401, 403, 409, 500, 503],
  "get /api/hosts/{id}": [401, 403, 404, 500, 503],
  "put /api/hosts/{id}": [400, 401, 403, 404, 409, 500, 503],
  "patch /api/hosts/{id}": [400, 401, 403, 404, 409, 500, 503],
  "delete /api/hosts/{id}": [401, 403, 404, 409, 500, 503],
  "get /": [],
  "get /docs": [429],
  "get /redoc": [429],
  "get /openapi.json": [429],
} as const satisfies Record<string, readonly number[]>;

/** Statuses that may refuse any request. */
const universal = [431];
/** Statuses that may refuse any request with a token, beside its endpoint's own failures. */
const general = [400, 403, 413, 415, 422, 429];

const catalogue = new Map(
  operationIds.map((id): [string, Endpoint] => [`${endpoints[id].method} ${endpoints[id].path}`, endpoints[id]]),
);

describe("the endpoint catalogue", () => {
  it("holds exactly the endpoints of the contract for bots", () => {
    expect(new Set(catalogue.keys())).toEqual(new Set(Object.keys(printed)));
  });

  it.each(Object.entries(printed))("%s fails as the contract for bots says", (name, statuses) => {
    const documented = new Set(catalogue.get(name)?.errors.map(({ status }) => status));
    expect([...statuses].filter((status) => !documented.has(status))).toEqual([]);
    // Endpoints that need the stores answer 503 while they are away, where the first contract had a 500 for it.
    const ofOutages = name.includes(" /api/") ? [503] : [];
    const ofGuarded = name.includes(" /api/") ? general : [];
    const allowed: readonly number[] = [...universal, ...statuses, ...ofGuarded, ...ofOutages];
    expect([...documented].filter((status) => !allowed.includes(status))).toEqual([]);
  });

  it.each([...catalogue].filter(([name]) => name.includes(" /api/")))(
    "%s needs the scope that the contract for bots names",
    (_, endpoint) => {
      expect(endpoint.auth === "bearer" && endpoint.scope).toBe(contractScope(endpoint));
    },
  );

  it("takes no endpoint that asks for a token and names no scope", () => {
    const { scope: _, ...unscoped } = endpoints.getKey;
    // @ts-expect-error -- this line is the test: it has to be one that does not compile
    const refused: Endpoint = unscoped;
    expect(refused).not.toHaveProperty("scope");
  });

  it("hides no path behind one that comes before it: a literal path stands before a template that matches it", () => {
    const paths = [...new Set(operationIds.map((id) => endpoints[id].path))];
    const hidden = paths.flatMap((path, index) =>
      paths.slice(0, index).flatMap((earlier) => (matches(earlier, path) ? [`${path} behind ${earlier}`] : [])),
    );
    expect(hidden).toEqual([]);
  });

  it("keeps the texts that bots may match on", () => {
    expect([
      messages.keyDeleted(1),
      messages.trafficReset(1),
      messages.trafficSynced(10, 0),
      messages.keyNotFound(999),
      messages.failedTo("create key", "Database error"),
      messages.pathNotFound,
      messages.notConfigured("Reality public key"),
    ]).toEqual([
      "Key 1 deleted successfully",
      "Traffic reset successfully for key 1",
      "Synced 10 keys, 0 errors",
      "Key with id 999 not found",
      "Failed to create key: Database error",
      "Not Found",
      "Reality public key not configured",
    ]);
  });
});

/** Links, pictures, devices and jobs go with keys, hosts with nodes; what tells of traffic has a scope of its own. */
function contractScope({ method, path }: Pick<Endpoint, "method" | "path">): string {
  const [, , family = ""] = path.split("/");
  const isRead = method === "get";
  const ofTraffic = /^\/api\/(traffic|online|stats)|\/(traffic|usage|online)$/;
  if (ofTraffic.test(path)) return "traffic:read";
  const subject = { jobs: "keys", hosts: "nodes" }[family] ?? family;
  return `${subject}:${isRead ? "read" : "write"}`;
}

/** Whether a router that knows the template takes the path for it. */
function matches(template: string, path: string): boolean {
  const [wanted, given] = [template.split("/"), path.split("/")];
  return (
    wanted.length === given.length && wanted.every((part, index) => part === given[index] || /^\{\w+\}$/.test(part))
  );
}
