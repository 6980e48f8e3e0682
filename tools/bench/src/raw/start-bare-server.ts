import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { z } from "zod";

/** Express with one route and one lean find, in a process of its own. */
export interface BareServer {
  readonly url: string;
  readonly pid: number;
  close(): Promise<void>;
}

/** Starts the server in a process of its own, and resolves once it listens. */
export async function startBareServer(mongodbUri: string): Promise<BareServer> {
  const child = fork(fileURLToPath(new URL("bare-server.js", import.meta.url)), [mongodbUri], {
    env: { ...process.env, NODE_ENV: "production" },
  });
  const [port] = z
    .tuple([z.number()])
    .rest(z.unknown())
    .parse(await once(child, "message"));
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    close: async () => {
      child.kill();
      await once(child, "exit");
    },
  };
}
