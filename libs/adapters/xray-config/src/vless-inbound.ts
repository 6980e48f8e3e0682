import { ConfigInvalidError } from "./errors.ts";
import { listMember, memberOf, objectMember, stringMember, textAt } from "./json-members.ts";
import { type JsonSource, type JsonSpan, type ListSpan, type ObjectSpan, placeOf, valueAt } from "./json-source.ts";

/** A user as the config file lists it. */
export interface ConfigClient {
  readonly email: string;
  readonly uuid: string;
  /** Empty for none. */
  readonly flow: string;
}

/** The places of one VLESS inbound that concern its users, as Xray understands the file. */
export interface VlessInbound {
  readonly settings: ObjectSpan;
  /** The list that counts; null when there is none yet. */
  readonly users: ListSpan | null;
  /** The flow that Xray gives to users that name none; empty for none. */
  readonly defaultFlow: string;
  /** Null where the inbound is none of REALITY. */
  readonly shortIds: ListSpan | null;
}

/** @throws {ConfigInvalidError} when there is no such inbound, more than one, or one of another protocol */
export function findInbound(source: JsonSource, tag: string): VlessInbound {
  if (source.root.kind !== "object") throw new ConfigInvalidError("the root must be an object");
  const found = (listMember(source, source.root, "inbounds")?.items ?? [])
    .filter((item) => item.kind === "object")
    .filter((item) => stringMember(source, item, "tag") === tag);
  const [inbound, other] = found;
  if (inbound === undefined) throw new ConfigInvalidError(`it has no inbound ${tag}`, { lacksInbound: true });
  if (other !== undefined)
    throw new ConfigInvalidError(`it has more than one inbound ${tag}, the second one ${placeOf(source, other)}`);
  if (stringMember(source, inbound, "protocol")?.toLowerCase() !== "vless") {
    const place = placeOf(source, inbound);
    throw new ConfigInvalidError(`its inbound ${tag} is not one of VLESS, ${place}`, { lacksInbound: true });
  }
  const settings = objectMember(source, inbound, "settings");
  if (settings === undefined)
    throw new ConfigInvalidError(`its inbound ${tag} has no settings, ${placeOf(source, inbound)}`);
  const stream = objectMember(source, inbound, "streamSettings");
  const reality = stream === undefined ? undefined : objectMember(source, stream, "realitySettings");
  return {
    settings,
    users: listMember(source, settings, "clients") ?? listMember(source, settings, "users") ?? null,
    defaultFlow: stringMember(source, settings, "flow") ?? "",
    shortIds: (reality === undefined ? undefined : listMember(source, reality, "shortIds")) ?? null,
  };
}

/**
 * Where a first list of users goes. `clients` is what every version knows; `users` is its name since Xray 26.5.9, and where
 * both stand, `clients` counts.
 */
export function placeOfNewList(source: JsonSource, { settings }: VlessInbound): JsonSpan | undefined {
  return memberOf(source, settings, "clients");
}

/** The user at a place; null for one without an e-mail, which is nobody's of ours. Called for every user of a large file. */
export function clientAt(source: JsonSource, item: JsonSpan): ConfigClient | null {
  if (item.kind !== "object") return null;
  const found = new Map<string, JsonSpan>();
  for (const { name, value } of item.members) {
    const folded = name.toLowerCase();
    if (found.has(folded)) throw new ConfigInvalidError(`duplicate member "${name}", ${placeOf(source, value)}`);
    found.set(folded, value);
  }
  const email = textAt(source, found.get("email"));
  const uuid = textAt(source, found.get("id"));
  if (email === undefined || uuid === undefined) return null;
  return { email, uuid, flow: textAt(source, found.get("flow")) ?? "" };
}

/** Xray pads short ids with zeros to eight bytes. */
export function canonicalShortId(shortId: string): string {
  return shortId.toLowerCase().padEnd(16, "0");
}

/** The short ids at a place, as Xray compares them. */
export function shortIdsAt(source: JsonSource, list: ListSpan): string[] {
  return list.items.map((item) => canonicalShortId(String(valueAt(source, item))));
}
