import { setTimeout as sleep } from "node:timers/promises";
import { CONFIG_FILE_LEASE_MS } from "@veil/keys";
import { type ExclusiveTask, runExclusively } from "@veil/redis";

/** Writes a node's config file while no other worker does. @throws {ConfigFileBusyError} or what the task throws */
export type OnlyWriter = <T>(write: () => Promise<T>) => Promise<T>;

const ASK_AGAIN_MS = 25;

/** What keeps the writers of a node's config file apart, as `XrayConfigFile` demands. */
export function onlyWriterOf(node: string, exclusive: Pick<ExclusiveTask, "redis" | "prefix">): OnlyWriter {
  const task = { ...exclusive, subject: `config-file:${node}`, leaseMs: CONFIG_FILE_LEASE_MS };
  return async (write) => {
    const giveUpAt = performance.now() + CONFIG_FILE_LEASE_MS;
    while (true) {
      const done = await runExclusively(task, write);
      if (done !== null) return done.result;
      if (performance.now() > giveUpAt) throw new ConfigFileBusyError(node);
      await sleep(ASK_AGAIN_MS);
    }
  };
}

/** Thrown when another worker kept the config file for longer than a write takes. */
export class ConfigFileBusyError extends Error {
  override readonly name = "ConfigFileBusyError";

  constructor(node: string) {
    super(`the config file of node ${node} is being written by another worker`);
  }
}
