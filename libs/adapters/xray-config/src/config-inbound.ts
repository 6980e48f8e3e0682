import { ConfigInvalidError } from "./errors.ts";
import { listMember, memberOf, objectMember, stringMember, textAt } from "./json-members.ts";
import { type JsonSource, type JsonSpan, type ListSpan, type ObjectSpan, placeOf, valueAt } from "./json-source.ts";

/** How the inbounds of a protocol, and the clients in them, stand in the config file. */
export interface ClientForm {
  /** The `protocol` of such an inbound; `shadowsocks` is that of 2022 with many users. */
  readonly protocol: "vless" | "trojan" | "shadowsocks";
  /** The members of a client that say how it gets in. Each client has the first one; of the others, one that is empty is left out. */
  readonly members: readonly [string, ...string[]];
}

/** A user as the config file lists it. */
export interface ConfigClient {
  readonly email: string;
  /** Of the members of its form, in their order; empty for one that it lacks. */
  readonly values: readonly [string, ...string[]];
}

/** The places of one inbound that concern its users, as Xray understands the file. */
export interface ConfigInbound {
  readonly settings: ObjectSpan;
  /** The list that counts; null when there is none yet. */
  readonly users: ListSpan | null;
  /** The flow that Xray gives to users that name none; empty for none. */
  readonly defaultFlow: string;
  /** Null where the inbound is none of REALITY. */
  readonly shortIds: ListSpan | null;
}

/** @throws {ConfigInvalidError} when there is no such inbound, more than one, or one of another protocol */
export function findInbound(source: JsonSource, tag: string, { protocol }: ClientForm): ConfigInbound {
  if (source.root.kind !== "object") throw new ConfigInvalidError("the root must be an object");
  const found = (listMember(source, source.root, "inbounds")?.items ?? [])
    .filter((item) => item.kind === "object")
    .filter((item) => stringMember(source, item, "tag") === tag);
  const [inbound, other] = found;
  if (inbound === undefined) throw new ConfigInvalidError(`it has no inbound ${tag}`, { lacksInbound: true });
  if (other !== undefined)
    throw new ConfigInvalidError(`it has more than one inbound ${tag}, the second one ${placeOf(source, other)}`);
  if (stringMember(source, inbound, "protocol")?.toLowerCase() !== protocol) {
    const place = placeOf(source, inbound);
    throw new ConfigInvalidError(`its inbound ${tag} is not one of ${protocol}, ${place}`, { lacksInbound: true });
  }
  const settings = objectMember(source, inbound, "settings");
  if (settings === undefined)
    throw new ConfigInvalidError(`its inbound ${tag} has no settings, ${placeOf(source, inbound)}`);
  const stream = objectMember(source, inbound, "streamSettings");
  const reality = stream === undefined ? undefined : objectMember(source, stream, "realitySettings");
  const users = listMember(source, settings, "clients") ?? listMember(source, settings, "users") ?? null;
  if (protocol === "shadowsocks") requireManyUsers(source, tag, settings, users);
  return {
    settings,
    users,
    defaultFlow: (protocol === "vless" ? stringMember(source, settings, "flow") : undefined) ?? "",
    shortIds: (reality === undefined ? undefined : listMember(source, reality, "shortIds")) ?? null,
  };
}

const MANY_USERS_METHOD = /^2022-blake3-aes-(128|256)-gcm$/;

/** Other methods have other clients, and a first one with an address makes a relay of the inbound. */
function requireManyUsers(source: JsonSource, tag: string, settings: ObjectSpan, users: ListSpan | null): void {
  const [first] = users?.items ?? [];
  const isRelay = first?.kind === "object" && stringMember(source, first, "address") !== undefined;
  if (MANY_USERS_METHOD.test(stringMember(source, settings, "method") ?? "") && !isRelay) return;
  const place = placeOf(source, settings);
  throw new ConfigInvalidError(`its inbound ${tag} is not one of Shadowsocks 2022 for many users, ${place}`, {
    lacksInbound: true,
  });
}

/**
 * Where a first list of users goes. `clients` is what every version knows; `users` is its name since Xray 26.5.9, and where
 * both stand, `clients` counts.
 */
export function placeOfNewList(source: JsonSource, { settings }: ConfigInbound): JsonSpan | undefined {
  return memberOf(source, settings, "clients");
}

/** The user at a place; null for one without an e-mail, which is nobody's of ours. Called for every user of a large file. */
export function clientAt(source: JsonSource, item: JsonSpan, { members }: ClientForm): ConfigClient | null {
  if (item.kind !== "object") return null;
  const found = new Map<string, JsonSpan>();
  for (const { name, value } of item.members) {
    const folded = name.toLowerCase();
    if (found.has(folded)) throw new ConfigInvalidError(`duplicate member "${name}", ${placeOf(source, value)}`);
    found.set(folded, value);
  }
  const email = textAt(source, found.get("email"));
  const [secret, ...others] = members.map((member) => textAt(source, found.get(member)));
  if (email === undefined || secret === undefined) return null;
  return { email, values: [secret, ...others.map((value) => value ?? "")] };
}

/** Xray pads short ids with zeros to eight bytes. */
export function canonicalShortId(shortId: string): string {
  return shortId.toLowerCase().padEnd(16, "0");
}

/** The short ids at a place, as Xray compares them. */
export function shortIdsAt(source: JsonSource, list: ListSpan): string[] {
  return list.items.map((item) => canonicalShortId(String(valueAt(source, item))));
}
