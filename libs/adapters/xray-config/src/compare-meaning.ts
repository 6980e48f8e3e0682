import { isDeepStrictEqual } from "node:util";
import type { InboundChanges } from "./edit-config.ts";
import { ConfigInvalidError } from "./errors.ts";
import { type JsonSource, type JsonSpan, placeOf, valueAt } from "./json-source.ts";
import {
  canonicalShortId,
  clientAt,
  type ConfigClient,
  type ConfigInbound,
  findInbound,
  shortIdsAt,
} from "./config-inbound.ts";

/**
 * Makes sure that an edited config says what it said before, but for the users and the short ids that were to change: that
 * Xray accepts a text does not tell that it means the same.
 *
 * @throws {ConfigInvalidError} when it says anything else
 */
export function requireSameMeaning(before: JsonSource, after: JsonSource, all: readonly InboundChanges[]): void {
  const inbounds = all.map((changes) => {
    const [one, other] = [before, after].map((source) => findInbound(source, changes.inboundTag, changes.form));
    return { changes, one, other };
  });
  const [restBefore, restAfter] = [
    restOf(
      before,
      inbounds.map(({ one }) => one),
    ),
    restOf(
      after,
      inbounds.map(({ other }) => other),
    ),
  ];
  const isRestSame = isDeepStrictEqual(restBefore, restAfter);
  for (const { changes, one, other } of inbounds) {
    if (one === undefined || other === undefined) continue;
    const users = usersOf(after, other, changes);
    const isSame =
      isRestSame &&
      isDeepStrictEqual(usersOf(before, one, changes).others, users.others) &&
      isDeepStrictEqual(shortIdsBeside(before, one, changes), shortIdsBeside(after, other, changes)) &&
      one.defaultFlow === other.defaultFlow &&
      isAsWanted(users.concerned, changes);
    if (isSame) continue;
    throw new ConfigInvalidError(
      `its inbound ${changes.inboundTag} can't be changed without changing more, ${placeOf(before, one.settings)}`,
    );
  }
}

/** Everything but the inbounds' two lists, member by member, with the names in lower case as Xray compares them. */
function restOf(source: JsonSource, inbounds: readonly (ConfigInbound | undefined)[]): unknown {
  const lists = new Set<JsonSpan | null>(
    inbounds.flatMap((one) => (one === undefined ? [] : [one.users, one.shortIds])),
  );
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

function usersOf(source: JsonSource, { users }: ConfigInbound, { clients, form }: InboundChanges): InboundUsers {
  const concerned: ConfigClient[] = [];
  const others: string[] = [];
  for (const item of users?.items ?? []) {
    const client = clientAt(source, item, form);
    if (client !== null && clients.has(client.email)) concerned.push(client);
    else others.push(source.bare.slice(item.start, item.end));
  }
  return { concerned, others };
}

function shortIdsBeside(source: JsonSource, { shortIds }: ConfigInbound, { shortId }: InboundChanges): string[] | null {
  if (shortIds === null) return null;
  const ours = shortId === null ? null : canonicalShortId(shortId);
  return shortIdsAt(source, shortIds).filter((listed) => listed !== ours);
}

function isAsWanted(concerned: readonly ConfigClient[], { clients }: InboundChanges): boolean {
  const missing = new Map(clients);
  const areRight = concerned.every((client) => {
    return isDeepStrictEqual(client, clients.get(client.email)) && missing.delete(client.email);
  });
  return areRight && [...missing.values()].every((client) => client === null);
}
