import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { waitForRoundTrip } from "./round-trip.ts";

let server: Server;

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

afterEach(() => {
  server.close();
});

const options = { apiKey: "key", withinMs: 5_000, signal: new AbortController().signal };

test("a key is created and that very key deleted, as soon as both work", async () => {
  const calls: string[] = [];
  const url = await serve((request, response) => {
    calls.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.statusCode = calls.length < 3 ? 503 : 200;
    response.end(JSON.stringify({ key_id: 7 }));
  });
  await waitForRoundTrip({ ...options, url });
  expect(calls).toEqual([
    "POST /api/keys Bearer key",
    "POST /api/keys Bearer key",
    "POST /api/keys Bearer key",
    "DELETE /api/keys/7 Bearer key",
  ]);
});

test("when it never works the last answer is told", async () => {
  const url = await serve((_request, response) => {
    response.statusCode = 500;
    response.end('{"detail":"Failed to create key: no node"}');
  });
  await expect(waitForRoundTrip({ ...options, url, withinMs: 0 })).rejects.toThrow(
    /could not be created and deleted: POST \/api\/keys answered 500 .*no node/,
  );
});

test("an interruption ends the waiting", async () => {
  const url = await serve((_request, response) => response.writeHead(503).end());
  const interruption = new AbortController();
  interruption.abort(new Error("stopped"));
  await expect(waitForRoundTrip({ ...options, url, signal: interruption.signal })).rejects.toThrow("stopped");
});
