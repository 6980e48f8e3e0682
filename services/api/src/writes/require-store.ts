import { storeAway, WriteUnavailableError } from "../errors.ts";
import type { RequestScope } from "../ports.ts";
import type { WritePorts } from "./write-ports.ts";

/**
 * Refuses at once what can't succeed, so that the caller need not wait out the deadline while MongoDB is known to be away.
 * A request that takes part in a write that another one began is let through: the job may be under way.
 *
 * @throws WriteUnavailableError
 */
export function requireStore(
  action: string,
  { turn }: RequestScope,
  { storeIsUp }: Pick<WritePorts, "storeIsUp">,
): void {
  if (storeIsUp() || turn?.isFirst === false) return;
  throw new WriteUnavailableError(action, storeAway);
}
