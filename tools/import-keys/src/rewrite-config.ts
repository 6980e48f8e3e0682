import type { NodeUser } from "@veil/keys";
import { configFileTask, type ExclusiveTask, waitExclusively } from "@veil/redis";
import type { ConfigClient, XrayConfigFile } from "@veil/xray-config";
import { keyIdOfEmail, keyProtocol, userEmail } from "@veil/protocols";
import { type LegacyKey, matchOf } from "./legacy-key.ts";
import { ImportBusyError } from "./import-errors.ts";

export interface ConfigToRewrite {
  readonly file: Pick<XrayConfigFile, "look" | "update">;
  /** The node whose config it is. */
  readonly node: string;
  readonly inboundTag: string;
  readonly shortId: string;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  /** The users that every node should hold, by key id. */
  readonly findDesired: () => Promise<ReadonlyMap<number, NodeUser>>;
}

const LONGEST_WAIT_MS = 30_000;

/**
 * Puts our clients in the place of the former ones, all in one write of the file, under the lease by which workers write
 * it one at a time.
 *
 * @throws {ImportBusyError | ConfigFileError | StoreUnavailableError}
 */
export async function rewriteConfig(
  keys: readonly LegacyKey[],
  { file, node, inboundTag, shortId, exclusive, findDesired }: ConfigToRewrite,
): Promise<"written" | "unchanged"> {
  const write = () =>
    file.update(async () => {
      const form = keyProtocol.inConfig;
      const { clients } = await file.look(inboundTag, form);
      return [{ inboundTag, form, shortId, clients: clientsOf(keys, clients, await findDesired()) }];
    });
  const done = await waitExclusively(configFileTask(node, exclusive), write, { waitMs: LONGEST_WAIT_MS });
  if (done === null) throw new ImportBusyError("Xray's config file");
  return done.result.result;
}

function clientsOf(
  keys: readonly LegacyKey[],
  listed: readonly ConfigClient[],
  desired: ReadonlyMap<number, NodeUser>,
): Map<string, ConfigClient | null> {
  const clients = new Map<string, ConfigClient | null>();
  const taken = new Set(keys.map(({ uuid }) => matchOf(uuid)));
  for (const {
    email,
    values: [uuid],
  } of listed) {
    if (keyIdOfEmail(email) === null && taken.has(matchOf(uuid))) clients.set(email, null);
  }
  for (const { id } of keys) {
    const email = userEmail(id);
    const user = desired.get(id);
    clients.set(
      email,
      user === undefined ? null : { email, values: keyProtocol.inConfig.valuesOf(keyProtocol.accountOf(user)) },
    );
  }
  return clients;
}
