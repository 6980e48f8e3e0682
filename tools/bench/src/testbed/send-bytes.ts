import { connect } from "node:net";
import type { SeededKey } from "./bench-testbed.ts";

const AT_ONCE = 64;
const payload = Buffer.alloc(256);

/** Lets each of the keys send some bytes through the metered inbound, so that its counter moves. */
export async function sendBytes(port: number, keys: readonly SeededKey[]): Promise<void> {
  const waiting = [...keys];
  const sendNext = async () => {
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) await sendOnce(port, key.uuid);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sendNext));
}

/** The sink closes the connection when it has taken what came. */
async function sendOnce(port: number, uuid: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => resolve());
    socket.setTimeout(2_000, () => socket.destroy());
    socket.end(Buffer.concat([requestHeader(uuid), payload]));
    socket.resume();
  });
}

/** Version, id, no add-ons, TCP, port 9, IPv4 192.0.2.1. */
function requestHeader(uuid: string): Buffer {
  return Buffer.from([0, ...Buffer.from(uuid.replaceAll("-", ""), "hex"), 0, 1, 0, 9, 1, 192, 0, 2, 1]);
}
