import { once } from "node:events";
import { createServer, type Http2Session } from "node:http2";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { z } from "zod";
import { HandlerService } from "./generated/xray/app/proxyman/command_pb.ts";
import { NodeConnection } from "./node-connection.ts";

const { listInbounds, getInboundUsers } = HandlerService.method;
const TIMEOUT_MS = 400;

const server = new Server();
let connection: NodeConnection;

/** Answers each listing of inbounds until it is silenced, and no listing of users. */
let isSilent = false;

beforeAll(async () => {
  const asIs = (bytes: Buffer) => bytes;
  const method = (name: string) => ({
    ...{ path: `/xray.app.proxyman.command.HandlerService/${name}`, requestStream: false, responseStream: false },
    ...{ requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs },
  });
  server.addService(
    { listInbounds: method("ListInbounds"), getInboundUsers: method("GetInboundUsers") },
    {
      listInbounds: (_call: unknown, answer: (error: null, reply: Buffer) => void) => {
        if (!isSilent) answer(null, Buffer.alloc(0));
      },
      getInboundUsers: () => undefined,
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  connection = new NodeConnection({ name: "test", address: `127.0.0.1:${port}`, maxInFlight: 4 });
  await vi.waitFor(() => expect(connection.reachable).toBe(true));
});

afterAll(() => {
  connection.close();
  server.forceShutdown();
});

const quick = () => connection.call("quick", listInbounds, { onlyTags: true }, TIMEOUT_MS, () => true);
const slow = () => connection.call("slow", getInboundUsers, { tag: "a" }, TIMEOUT_MS, () => true);

it("goes on with a node that answers other calls while one runs out of time, and not with a silent one", async () => {
  const answering = setInterval(() => void quick(), TIMEOUT_MS / 8);
  await expect(slow()).rejects.toMatchObject({ name: "XrayIndeterminateError" });
  clearInterval(answering);
  expect([connection.reachable, await quick()]).toEqual([true, true]);
  isSilent = true;
  await expect(slow()).rejects.toMatchObject({ name: "XrayIndeterminateError" });
  expect(connection.reachable).toBe(false);
  await expect(quick()).rejects.toMatchObject({ reason: "hung" });
});

/** An answer without a field, as gRPC frames it. */
const EMPTY_ANSWER = Buffer.alloc(5);

/**
 * A balancer that leads the connection where it wants.
 *
 * @param leads says it of each, by its number from 0
 */
async function startBalancer(leads: (number: number) => "to Xray" | "elsewhere") {
  const sessions: Http2Session[] = [];
  const balancer = createServer();
  balancer.on("session", (session) => void sessions.push(session));
  balancer.on("stream", (stream) => {
    const number = sessions.findIndex((session) => session === stream.session);
    if (leads(number) === "elsewhere") {
      stream.respond({ ":status": 404, "content-type": "text/html" });
      stream.end("<h1>Not Found</h1>");
      return;
    }
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(EMPTY_ANSWER);
  });
  balancer.listen(0, "127.0.0.1");
  await once(balancer, "listening");
  const { port } = z.object({ port: z.number() }).parse(balancer.address());
  const through = new NodeConnection({ name: "test", address: `127.0.0.1:${port}`, maxInFlight: 4 });
  const ask = () => through.call("ask", listInbounds, { onlyTags: true }, TIMEOUT_MS, () => true);
  const stop = () => {
    through.close();
    for (const session of sessions) session.destroy();
    balancer.close();
  };
  return { through, ask, stop };
}

it("gives up a connection that leads to another server from its start on", async () => {
  const { ask, stop } = await startBalancer((number) => (number === 0 ? "elsewhere" : "to Xray"));
  await vi.waitFor(async () => expect(await ask()).toBe(true));
  stop();
});

it("gives up a connection that came to lead to another server", async () => {
  let isMoved = false;
  const { through, ask, stop } = await startBalancer((number) => (isMoved && number === 0 ? "elsewhere" : "to Xray"));
  await vi.waitFor(() => expect(through.reachable).toBe(true));
  expect(await ask()).toBe(true);
  isMoved = true;
  await expect(ask()).rejects.toMatchObject({ name: "XrayIndeterminateError" });
  expect(through.reachable).toBe(false);
  await vi.waitFor(() => expect(through.reachable).toBe(true));
  expect(await ask()).toBe(true);
  stop();
});
