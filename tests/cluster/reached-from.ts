import { z } from "zod";
import type { Namespace } from "./kubectl.ts";

const TRIED_MS = 3_000;

/** Runs in a pod: connects to each `host:port`, and prints those that took the connection. */
const SCRIPT = `
const { connect } = require("node:net");
const tried = process.argv.slice(1).map((target) => new Promise((resolve) => {
  const at = target.lastIndexOf(":");
  const socket = connect(Number(target.slice(at + 1)), target.slice(0, at), () => end([target]));
  const end = (reached) => { socket.destroy(); resolve(reached); };
  socket.once("error", () => end([]));
  setTimeout(end, ${TRIED_MS}, []);
}));
Promise.all(tried).then((reached) => console.log(JSON.stringify(reached.flat())));
`;

/**
 * The targets that take a TCP connection from a pod, in their order.
 *
 * @param from a pod or `deployment/<name>` whose image has Node
 * @param targets `host:port` each
 */
export async function reachedFrom(namespace: Namespace, from: string, targets: readonly string[]): Promise<string[]> {
  const printed = await namespace.run("exec", from, "--", "node", "-e", SCRIPT, ...targets);
  return z.array(z.string()).parse(JSON.parse(printed));
}
