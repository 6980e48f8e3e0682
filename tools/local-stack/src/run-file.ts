import { rm } from "node:fs/promises";
import { writePrivateFile } from "@veil/runtime";

/**
 * The addresses and pids of a running system, for tests and tools. A pid is null when the settings name an engine that
 * was not started here.
 */
export interface RunFileContent {
  api: { pid: number; url: string };
  "xray-worker": { pid: number; metrics_url: string };
  "stats-collector": { pid: number; metrics_url: string };
  redis: { pid: number | null; url: string };
  mongodb: { pid: number | null; uri: string };
  xray: {
    pid: number | null;
    binary: string | null;
    /** host:port of the gRPC API. */
    api: string;
    inbound_tag: string;
    /** Port of the VLESS inbound. */
    port: number | null;
    /** Path of the configuration file. */
    config: string | null;
  };
}

/** Keeps run.json up to date: written when the last entry has come, and again whenever a process is started anew. */
export class RunFile {
  readonly #path: string;
  #entries: Partial<RunFileContent> = {};
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  async set<Name extends keyof RunFileContent>(name: Name, entry: RunFileContent[Name]): Promise<void> {
    this.#entries[name] = entry;
    const { api, redis, mongodb, xray, ...others } = this.#entries;
    const { "xray-worker": worker, "stats-collector": collector } = others;
    if (!api || !worker || !collector || !redis || !mongodb || !xray) return;
    const content = { api, "xray-worker": worker, "stats-collector": collector, redis, mongodb, xray };
    this.#writing = this.#writing.then(() =>
      writePrivateFile(this.#path, `${JSON.stringify(content satisfies RunFileContent, null, 2)}\n`),
    );
    await this.#writing;
  }

  /** A file that exists belongs to a stack that runs, or to one that was killed. */
  async remove(): Promise<void> {
    await this.#writing;
    await rm(this.#path, { force: true });
  }
}
