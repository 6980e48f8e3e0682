import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import { PLAIN_INBOUND } from "@veil/nodes";
import { afterEach, expect, it } from "vitest";
import { inboundFaultAt } from "./inbound-faults.ts";

const certificates = { identity: () => undefined };
/** An answer of gRPC without anything in it: there are no inbounds. */
const NOTHING = Buffer.alloc(5);

let server: Http2Server;
const sessions = new Set<ServerHttp2Session>();

afterEach(() => {
  for (const session of sessions) session.destroy();
  server.close();
});

/** A process that answers each call with {@link NOTHING}. @param onListing called for each listing of more than tags */
async function startEmptyXray(onListing: () => void): Promise<string> {
  server = createServer();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const asksForAll = Buffer.concat(chunks).equals(NOTHING);
      if (String(headers[":path"]).endsWith("/ListInbounds") && asksForAll) onListing();
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(NOTHING);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return `127.0.0.1:${address.port}`;
}

it("a node is listed once for a look at all of its inbounds", async () => {
  let listings = 0;
  const address = await startEmptyXray(() => (listings += 1));
  const inbounds = ["a", "b", "c"].map((tag) => ({ ...PLAIN_INBOUND, tag }));
  const node = { name: "n", address, tls: null, publicKey: null, sni: null, inboundTag: "a", inbounds };
  expect(await inboundFaultAt(node, certificates)).toBeNull();
  expect(listings).toBe(1);
});
