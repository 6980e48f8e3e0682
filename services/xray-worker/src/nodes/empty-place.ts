import type { DesiredState, InboundVault } from "@veil/keys";
import type { Place } from "@veil/nodes";
import { userEmail } from "@veil/protocols";
import type { XrayNode } from "@veil/xray-grpc";
import pLimit from "p-limit";
import { nodeErrors } from "./node-errors.ts";
import { InboundLostError, XrayNodeUsers } from "./xray-node-users.ts";

/** So many users are removed one by one; of more the inbound is made anew, which shuts its port for some milliseconds. */
const REMOVED_ONE_BY_ONE = 1_000;
const REMOVED_AT_ONCE = 32;

const NOBODY: DesiredState = {
  findCreating: async () => [],
  findDesired: async () => new Map(),
  hasDesired: async () => true,
};

/**
 * Takes our users out of an inbound. One that is missing, and that is known, is put back as passes do, with the users that are not
 * ours: whoever made it anew may have been cut off in between, and nobody looks after it any more. One that leaves is not, as by passes.
 *
 * @param node by this inbound
 * @param shortId that of the settings
 * @throws {NodeUnreachableError | NodeIndeterminateError | NodeRejectedError | StoreUnavailableError}
 */
export async function emptyPlace(
  place: Place,
  node: XrayNode,
  { vault, shortId }: { readonly vault: Pick<InboundVault, "save" | "load">; readonly shortId: string },
): Promise<void> {
  const { name, of, inbound } = place;
  const users = new XrayNodeUsers({
    ...{ node, kind: inbound, vault, inboundTag: inbound.tag },
    groups: { names: place.groups, isSettled: false },
    shortId: inbound.shortId ?? of.shortId ?? shortId,
  });
  const listed = await users.list();
  const ours = listed.users.flatMap(({ keyId }) => keyId ?? []);
  if (listed.state === "missing" && inbound.isLeaving) return;
  if (listed.state === "missing" || ours.length > REMOVED_ONE_BY_ONE) {
    await unlessUnknown(() => listed.rebuild(NOBODY));
    return;
  }
  const limit = pLimit(REMOVED_AT_ONCE);
  const remove = (keyId: number) => limit(() => node.removeUser(userEmail(keyId)));
  await nodeErrors(name, () => Promise.all(ours.map(remove)));
}

/** An inbound that was never there holds nobody. */
async function unlessUnknown(rebuild: () => Promise<unknown>): Promise<void> {
  try {
    await rebuild();
  } catch (error) {
    if (!(error instanceof InboundLostError)) throw error;
  }
}
