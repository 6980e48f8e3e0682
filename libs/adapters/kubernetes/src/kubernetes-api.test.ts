import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KubernetesApi, KubernetesApiError } from "./kubernetes-api.ts";
import { ServiceEndpoints } from "./service-endpoints.ts";

let server: Server;
let answer: RequestListener;
let asked: { readonly url: string; readonly authorization: string | undefined }[];
let directory: string;
let api: KubernetesApi;
beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push({ url: request.url ?? "", authorization: request.headers.authorization });
    answer(request, response);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
  const { port } = server.address() as AddressInfo;
  directory = await mkdtemp(join(tmpdir(), "veil-account-"));
  for (const [name, text] of Object.entries({ token: "one\n", "ca.crt": "", namespace: "veil\n" }))
    await writeFile(join(directory, name), text);
  api = await KubernetesApi.ofThisPod({ url: `http://127.0.0.1:${port}`, directory });
});
afterEach(async () => {
  await api.close();
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});

const never = new AbortController().signal;
const changed = (withinMs = 60_000, signal = never) =>
  new ServiceEndpoints(api, "xray-nodes").waitForChange("77", withinMs, signal);

it("the token is read for each call", async () => {
  answer = (_, response) => void response.end("{}");
  await api.call("GET", "api/v1", "pods");
  await writeFile(join(directory, "token"), "two");
  await api.call("GET", "api/v1", "pods");
  expect(asked).toEqual([
    { url: "/api/v1/namespaces/veil/pods", authorization: "Bearer one" },
    { url: "/api/v1/namespaces/veil/pods", authorization: "Bearer two" },
  ]);
});

it.each([
  ["a refusal", (response: ServerResponse) => void response.writeHead(401).end("no"), "401"],
  ["no JSON", (response: ServerResponse) => void response.end("<html>"), "NO_ANSWER"],
  ["half of it", (response: ServerResponse) => void response.write("{", () => response.destroy()), "NO_ANSWER"],
])("an answer is none: %s", async (_, answering, code) => {
  answer = (_request, response) => answering(response);
  await expect(api.call("GET", "api/v1", "pods")).rejects.toMatchObject({ name: "KubernetesApiError", code });
});

it("hundreds of endpoints in several slices are had at once", async () => {
  const sliceOf = (of: number) => ({
    metadata: { name: `xray-nodes-${of}` },
    addressType: "IPv4",
    ports: [{ name: "grpc", port: 10_443, protocol: "TCP" }],
    endpoints: Array.from({ length: 100 }, (_, at) => ({
      addresses: [`10.0.${of}.${at}`],
      conditions: { ready: true },
      nodeName: `worker-${of}-${at}`,
    })),
  });
  const items = Array.from({ length: 9 }, (_, of) => sliceOf(of));
  answer = (_, response) => void response.end(JSON.stringify({ metadata: { resourceVersion: "78" }, items }));
  const { endpoints, version } = await new ServiceEndpoints(api, "xray-nodes").list();
  expect([endpoints.length, new Set(endpoints.map(({ machine }) => machine)).size, version]).toEqual([900, 900, "78"]);
});

describe("a watch", () => {
  it.each([
    ["something changed", (response: ServerResponse) => void response.write('{"type":"ADDED"}\n')],
    ["the version is forgotten", (response: ServerResponse) => void response.writeHead(410).end("{}")],
    [
      "the version is forgotten, in the stream",
      (response: ServerResponse) => void response.write('{"type":"ERROR","object":{"code":410}}\n'),
    ],
    ["the server ends it", (response: ServerResponse) => void response.writeHead(200).end()],
    [
      "the connection breaks",
      (response: ServerResponse) => {
        response.flushHeaders();
        setTimeout(() => response.destroy(), 20);
      },
    ],
  ])("is over when %s", async (_, answering) => {
    answer = (_request, response) => answering(response);
    await changed();
    expect(asked.map(({ url }) => url)).toEqual([
      "/apis/discovery.k8s.io/v1/namespaces/veil/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dxray-nodes" +
        "&resourceVersion=77&watch=true&timeoutSeconds=60",
    ]);
  });

  it("is over when nobody waits any more, before and after it began", async () => {
    const waiting = new AbortController();
    answer = () => setTimeout(() => waiting.abort(), 20);
    await changed(60_000, waiting.signal);
    const again = new AbortController();
    answer = (_, response) => {
      response.flushHeaders();
      setTimeout(() => again.abort(), 20);
    };
    await changed(60_000, again.signal);
  });

  it("fails where it is refused, or nobody is there", async () => {
    answer = (_, response) => void response.writeHead(403).end("no");
    await expect(changed()).rejects.toMatchObject({ status: 403 });
    server.closeAllConnections();
    server.close();
    await expect(changed()).rejects.toBeInstanceOf(KubernetesApiError);
  });
});
