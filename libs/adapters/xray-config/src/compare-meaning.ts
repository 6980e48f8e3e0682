import { isDeepStrictEqual } from "node:util";
import type { InboundChanges } from "./edit-config.ts";
import { ConfigInvalidError } from "./errors.ts";
import { type JsonSource, type JsonSpan, placeOf, valueAt } from "./json-source.ts";
import {
  canonicalShortId,
  clientAt,
  type ConfigClient,
  findInbound,
  shortIdsAt,
  type VlessInbound,
} from "./vless-inbound.ts";

/**
 * Makes sure that an edited config says what it said before, but for the users and the short id that were to change: that
 * Xray accepts a text does not tell that it means the same.
 *
 * @throws {ConfigInvalidError} when it says anything else
 */
export function requireSameMeaning(before: JsonSource, after: JsonSource, changes: InboundChanges): void {
  const [one, other] = [before, after].map((source) => findInbound(source, changes.inboundTag));
  if (one === undefined || other === undefined) return;
  const users = usersOf(after, other, changes);
  const isSame =
    isDeepStrictEqual(restOf(before, one), restOf(after, other)) &&
    isDeepStrictEqual(usersOf(before, one, changes).others, users.others) &&
    isDeepStrictEqual(shortIdsBeside(before, one, changes), shortIdsBeside(after, other, changes)) &&
    one.defaultFlow === other.defaultFlow &&
    isAsWanted(users.concerned, changes);
  if (isSame) return;
  throw new ConfigInvalidError(
    `its inbound ${changes.inboundTag} can't be changed without changing more, ${placeOf(before, one.settings)}`,
  );
}

/** Everything but the two lists, member by member, with the names in lower case as Xray compares them. */
function restOf(source: JsonSource, { users, shortIds }: VlessInbound): unknown {
  const lists = new Set<JsonSpan | null>([users, shortIds]);
  const read = (span: JsonSpan): unknown => {
    if (span.kind === "scalar") return valueAt(source, span);
    if (span.kind === "list") return span.items.map(read);
    const members = span.members.filter(({ value }) => !lists.has(value));
    const present = members.map(({ name, value }) => [name.toLowerCase(), read(value)] as const);
    return present.filter(([, value]) => value !== null);
  };
  return read(source.root);
}

interface InboundUsers {
  /** Those that the changes name. */
  readonly concerned: readonly ConfigClient[];
  /** All others as they stand there: an edit leaves them byte for byte. */
  readonly others: readonly string[];
}

function usersOf(source: JsonSource, { users }: VlessInbound, { clients }: InboundChanges): InboundUsers {
  const concerned: ConfigClient[] = [];
  const others: string[] = [];
  for (const item of users?.items ?? []) {
    const client = clientAt(source, item);
    if (client !== null && clients.has(client.email)) concerned.push(client);
    else others.push(source.bare.slice(item.start, item.end));
  }
  return { concerned, others };
}

function shortIdsBeside(source: JsonSource, { shortIds }: VlessInbound, { shortId }: InboundChanges): string[] | null {
  if (shortIds === null) return null;
  return shortIdsAt(source, shortIds).filter((listed) => listed !== canonicalShortId(shortId));
}

function isAsWanted(concerned: readonly ConfigClient[], { clients }: InboundChanges): boolean {
  const missing = new Map(clients);
  const areRight = concerned.every((client) => {
    return isDeepStrictEqual(client, clients.get(client.email)) && missing.delete(client.email);
  });
  return areRight && [...missing.values()].every((client) => client === null);
}
