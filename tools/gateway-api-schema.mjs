// The JSON schema of an HTTPRoute for kubeconform. It is no kind of Kubernetes itself, so a directory of schemas that a
// cluster's own OpenAPI made has it only where the Gateway API is installed; its own CRD, in its Go module, says what it is.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";

/** The release whose standard channel a route is written for: `HTTPRoute` has been `v1` since 1.0. */
const GATEWAY_API = "sigs.k8s.io/gateway-api@v1.4.0";

/**
 * Writes `httproute-gateway-v1.json`, in which no property is allowed that the CRD does not name, into `directory`.
 *
 * @returns why there is none (no Go, no registry), or null.
 */
export function writeHttpRouteSchema(directory) {
  const crd = readCrd("gateway.networking.k8s.io_httproutes.yaml");
  if (crd === null) return `no Go, or no ${GATEWAY_API}`;
  const { schema } = crd.spec.versions.find(({ name }) => name === "v1");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "httproute-gateway-v1.json"), JSON.stringify(strict(schema.openAPIV3Schema)));
  return null;
}

function readCrd(file) {
  const empty = mkdtempSync(join(tmpdir(), "veil-gateway-api-"));
  const { status, stdout } = spawnSync("go", ["mod", "download", "-json", GATEWAY_API], {
    cwd: empty,
    encoding: "utf8",
  });
  rmSync(empty, { recursive: true });
  return status === 0 ? parse(readFileSync(join(JSON.parse(stdout).Dir, "config/crd/standard", file), "utf8")) : null;
}

function strict(schema) {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, strict(value)]));
  // A property may itself be called `properties`; then its value is a schema, whose members are no schemas by name.
  const closed =
    schema.type === "object" && schema.properties !== undefined && schema.additionalProperties === undefined;
  return closed && !schema["x-kubernetes-preserve-unknown-fields"] ? { ...inner, additionalProperties: false } : inner;
}
