import { Server, ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
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
