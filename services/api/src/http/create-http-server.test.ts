import { once } from "node:events";
import { get, Agent, type IncomingMessage } from "node:http";
import express from "express";
import { afterEach, expect, it } from "vitest";
import { createHttpServer, KEEP_ALIVE_S } from "./create-http-server.ts";

const app = express().get("/", (_request, response) => void response.end());
const opened: { close(): unknown }[] = [];

afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

async function keepAliveHeader(keepAliveSeconds: number): Promise<unknown> {
  const server = createHttpServer(app, { newId: () => "id", keepAliveSeconds });
  const agent = new Agent({ keepAlive: true });
  opened.push({ close: () => agent.destroy() }, { close: () => server.closeAllConnections() }, server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: "127.0.0.1", port: address.port, agent }, resolve).on("error", reject);
  });
  answer.resume();
  return answer.headers["keep-alive"];
}

it("keeps a connection without a request for as long as is set, and longer than common proxies by default", async () => {
  expect(KEEP_ALIVE_S).toBeGreaterThan(60);
  expect(await keepAliveHeader(KEEP_ALIVE_S)).toBe("timeout=65");
  expect(await keepAliveHeader(620)).toBe("timeout=620");
});
