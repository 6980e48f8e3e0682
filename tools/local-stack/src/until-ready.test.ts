import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { waitUntilReady } from "./until-ready.ts";

const passed = (result: "ok" | "error", times: number) =>
  `veil_reconcile_total{service="xray-worker",node="main",result="${result}"} ${times}`;

let server: Server;
let url: string;
let asked: string[];
/** Status and body by path; what is missing answers 200. */
let answers: Record<string, readonly [status: number, body: string]>;

beforeEach(async () => {
  asked = [];
  answers = { "/worker/metrics": [200, passed("ok", 1)] };
  server = createServer(({ method, url: path = "" }, response) => {
    asked.push(`${method} ${path}`);
    const [status, body] = answers[path] ?? [200, "{}"];
    response.writeHead(status).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});

afterEach(() => {
  server.close();
});

function ready(options: { withinMs?: number; signal?: AbortSignal } = {}): Promise<void> {
  const metrics = [
    { service: "api", url: `${url}/api/metrics` },
    { service: "xray-worker", url: `${url}/worker/metrics` },
  ] as const;
  return waitUntilReady({ url, metrics, withinMs: 5_000, signal: new AbortController().signal, ...options });
}

test("nothing is asked for that leaves a trace or needs the key", async () => {
  await ready();
  expect(asked).toEqual(["GET /", "GET /worker/metrics", "GET /readyz", "GET /readyz"]);
});

test("what is not ready yet is asked again until it is", async () => {
  answers["/worker/metrics"] = [200, `${passed("ok", 0)}\n${passed("error", 3)}`];
  const waiting = ready();
  while (asked.filter((one) => one === "GET /worker/metrics").length < 3) await once(server, "request");
  expect(asked).not.toContain("GET /readyz");
  answers["/worker/metrics"] = [200, `${passed("ok", 12)}\n${passed("error", 3)}`];
  await waiting;
});

test.each([
  ["/", [503, "no"], /the API answered 503 no/],
  ["/worker/metrics", [200, passed("error", 4)], /xray-worker has reconciled no Xray node yet/],
  ["/readyz", [503, '{"checks":{"redis":"failed"}}'], /api answered 503 .*redis/],
] as const)("when %s never becomes right, the error says so", async (path, answer, reason) => {
  answers[path] = answer;
  await expect(ready({ withinMs: 0 })).rejects.toThrow(reason);
});

test("a server that is not there is named", async () => {
  server.close();
  await expect(ready({ withinMs: 0 })).rejects.toThrow(`the API does not answer at ${url}/`);
});

test("an interruption ends the waiting with its reason, in a pause too", async () => {
  answers["/"] = [503, ""];
  const interruption = new AbortController();
  const waiting = ready({ signal: interruption.signal });
  await once(server, "request");
  setTimeout(() => interruption.abort(new Error("stopped")), 40);
  await expect(waiting).rejects.toThrow("stopped");
});
