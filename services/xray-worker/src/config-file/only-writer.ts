import { CONFIG_FILE_LEASE_MS } from "@veil/keys";
import { configFileTask, type ExclusiveTask, waitExclusively } from "@veil/redis";

/** Writes a node's config file while no other worker does. @throws {ConfigFileBusyError} or what the task throws */
export type OnlyWriter = <T>(write: () => Promise<T>) => Promise<T>;

/** A node's only writer. It waits for others as long as one write may take. */
export function onlyWriterOf(node: string, exclusive: Pick<ExclusiveTask, "redis" | "prefix">): OnlyWriter {
  const task = configFileTask(node, exclusive);
  return async (write) => {
    const done = await waitExclusively(task, write, { waitMs: CONFIG_FILE_LEASE_MS });
    if (done === null) throw new ConfigFileBusyError(node);
    return done.result;
  };
}

/** Thrown when another worker kept the config file for longer than a write takes. */
export class ConfigFileBusyError extends Error {
  override readonly name = "ConfigFileBusyError";

  constructor(node: string) {
    super(`the config file of node ${node} is being written by another worker`);
  }
}
