import { randomBytes } from "node:crypto";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isExecutable } from "./find-on-path.ts";

/**
 * Engines that were downloaded or built once. Names carry the version, so that a new pin is a new entry.
 * Several processes may fill it at once: each makes its own file and renames it into place, the last one stays.
 */
export class EngineCache {
  readonly directory: string;

  /** @param directory made when first needed. */
  constructor(directory: string) {
    this.directory = directory;
  }

  pathOf(name: string): string {
    return join(this.directory, name);
  }

  async find(name: string): Promise<string | undefined> {
    const path = this.pathOf(name);
    return (await isExecutable(path)) ? path : undefined;
  }

  /** Has `make` write an executable to a path of its own, and takes it in under `name` when that went well. */
  async add(name: string, make: (path: string) => Promise<void>): Promise<string> {
    await mkdir(this.directory, { recursive: true });
    const unfinished = this.pathOf(`.${name}.${process.pid}.${randomBytes(4).toString("hex")}`);
    try {
      await make(unfinished);
      await chmod(unfinished, 0o755);
      await rename(unfinished, this.pathOf(name));
    } finally {
      await rm(unfinished, { force: true });
    }
    return this.pathOf(name);
  }
}
