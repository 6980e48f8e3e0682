import type { LifecyclePorts } from "@veil/keys";
import { InMemoryKeyBatches } from "@veil/keys/testing";
import { type KeyEnding, keyJobHandlers } from "../../src/jobs/key-job-handlers.ts";

/** The handlers of jobs on keys, over an installation in memory in which no filter finds a key. */
export function inMemoryKeyHandlers(
  ports: LifecyclePorts,
  onKey: (ending: KeyEnding) => void = () => undefined,
): ReturnType<typeof keyJobHandlers> {
  const updating = {
    batches: new InMemoryKeyBatches(),
    keys: { listActiveIds: async function* listActiveIds() {}, findByExternalId: async () => null },
    online: async () => [],
    clock: ports.clock,
    onBegun: () => undefined,
  };
  return keyJobHandlers(ports, updating, onKey);
}
