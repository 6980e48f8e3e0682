import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, beforeEach, expect, it } from "vitest";
import { nameServers } from "./guarded-lookup.ts";
import { CONNECT_TIMEOUT_MS } from "./webhook-sender.ts";

const V4 = { address: "192.0.2.1", family: 4 };
const V6 = { address: "2001:db8::1", family: 6 };
const NAME_NOT_FOUND = 3;
const HEADER_BYTES = 12;
const TYPE_A = 1;

interface Query {
  readonly name: string;
  readonly family: 4 | 6;
  answer(addresses: readonly (typeof V4)[], code?: number): void;
}

let socket: Socket;
/** What the name server does with a query. */
let onQuery: (query: Query) => void;
beforeEach(async () => {
  socket = createSocket("udp4", (message, { port, address }) => {
    const { name, type, end } = questionOf(message);
    const answer: Query["answer"] = (addresses, code = 0) => {
      const head = Buffer.from([...message.subarray(0, 2), 0x81, 0x80 | code, 0, 1, 0, addresses.length, 0, 0, 0, 0]);
      const question = message.subarray(HEADER_BYTES, end);
      socket.send(Buffer.concat([head, question, ...addresses.map(recordOf)]), port, address);
    };
    onQuery({ name, family: type === TYPE_A ? 4 : 6, answer });
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
});
afterEach(() => void socket.close());

const look = (name: string) => nameServers([`127.0.0.1:${socket.address().port}`])(name);

function questionOf(message: Buffer) {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

/** A record of the name that was asked for, to be forgotten at once. */
function recordOf({ address, family }: typeof V4): Buffer {
  const bytes =
    family === 4 ? address.split(".").map(Number) : [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  const type = family === 4 ? TYPE_A : 28;
  return Buffer.from([0xc0, HEADER_BYTES, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length, ...bytes]);
}

it.each([
  [4, V4],
  [6, V6],
])(
  "finds addresses of IPv%d before it gives up those that the name server is silent about",
  async (answered, address) => {
    onQuery = ({ name, family, answer }) => {
      if (name === "half.test" && family === answered) answer([address]);
    };
    const ends: unknown[] = [];
    const connecting = setTimeout(() => ends.push("the connection was given up"), CONNECT_TIMEOUT_MS);
    const silent = look("silent.test").catch((error: unknown) => ends.push(error));
    const half = look("half.test").then((found) => ends.push(found));
    await Promise.all([silent, half]);
    clearTimeout(connecting);
    expect(ends).toEqual([[address], expect.objectContaining({ code: "ETIMEOUT" })]);
  },
);

it.each([4, 6])("finds both where the addresses of IPv%d come first", async (first) => {
  const held: (() => void)[] = [];
  onQuery = ({ family, answer }) => {
    held.push(() => answer([family === 4 ? V4 : V6]));
    if (held.length < 2) return;
    if (family === first) held.reverse();
    for (const send of held) send();
  };
  expect(await look("both.test")).toEqual([V4, V6]);
});

it("waits for the other addresses when there are none of one family, and fails when there are none at all", async () => {
  onQuery = ({ name, family, answer }) => {
    if (name === "none.test" || family === 4) answer([], name === "none.test" ? NAME_NOT_FOUND : 0);
    else answer([V6]);
  };
  expect(await look("six.test")).toEqual([V6]);
  await expect(look("none.test")).rejects.toMatchObject({ code: "ENOTFOUND" });
});
