import { externalIdEntry, type ExternalIds, type KeysToEnter } from "@veil/keys";
import type { SimulatedMongo } from "./simulated-mongo.ts";
import type { Process } from "./world.ts";

/** One process's view of the external ids, in the same steps as the real one. */
export function externalIdsClient(mongo: SimulatedMongo, process: Process): ExternalIds {
  const { externalIds } = mongo;
  return {
    claim: (id, keyId) => {
      const entry = externalIdEntry(id);
      return mongo.write(process, `claim ${entry} for key ${keyId}`, () => {
        const entered = externalIds.get(entry) ?? { keyIds: [keyId], version: 0, fence: 0 };
        externalIds.set(entry, entered);
        return entered;
      });
    },
    replace: (id, next) => {
      const entry = externalIdEntry(id);
      return mongo.write(process, `give ${entry} to key ${next.keyIds.join(", before ")}`, () => {
        if (isLater(next, externalIds.get(entry))) externalIds.set(entry, next);
      });
    },
    find: (id) => {
      const entry = externalIdEntry(id);
      return mongo.read(process, `find ${entry}`, () => externalIds.get(entry)?.keyIds ?? []);
    },
  };
}

function isLater(next: KeysToEnter, last: KeysToEnter | undefined): boolean {
  if (last === undefined) return true;
  return next.version === last.version ? next.fence > last.fence : next.version > last.version;
}
