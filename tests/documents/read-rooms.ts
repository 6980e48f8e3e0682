import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

const manifest = z.object({ dependencies: z.record(z.string(), z.string()).default({}) });
const SCOPE = "@veil/";

export interface Room {
  /** `libs/adapters/redis` */
  readonly folder: string;
  /** Other rooms, without the scope, sorted. */
  readonly rooms: readonly string[];
  /** Packages from outside. */
  readonly packages: readonly string[];
}

/** Every room with what its own code may import: knip tells of an import that its `package.json` does not list. */
export function readRooms(): Promise<Room[]> {
  return Promise.all(
    // Clients are published, and stand on no room.
    [
      ...trackedFiles("libs/*/package.json"),
      ...trackedFiles("services/*/package.json"),
      ...trackedFiles("tools/*/package.json"),
    ].map(async (file) => {
      const { dependencies } = manifest.parse(JSON.parse(await readFile(join(repoRoot, file), "utf8")));
      const names = Object.keys(dependencies);
      const rooms = names.filter((name) => name.startsWith(SCOPE)).map((name) => name.slice(SCOPE.length));
      return {
        folder: dirname(file),
        rooms: rooms.toSorted(),
        packages: names.filter((name) => !name.startsWith(SCOPE)),
      };
    }),
  );
}
