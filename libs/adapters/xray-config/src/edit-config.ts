import { z } from "zod";
import { editList } from "./edit-list.ts";
import { ConfigInvalidError } from "./errors.ts";
import { type JsonSource, type JsonSpan, type ListSpan, type ObjectSpan, readJson, valueAt } from "./json-source.ts";

/** A user as the config file lists it. */
export interface ConfigClient {
  readonly email: string;
  readonly uuid: string;
  /** Empty for none. */
  readonly flow: string;
}

/** What is to be different in one VLESS inbound of the file. */
export interface InboundChanges {
  readonly inboundTag: string;
  /** By e-mail: the client that should be there, null for none. All other clients are left alone. */
  readonly clients: ReadonlyMap<string, ConfigClient | null>;
  /** A short id, hexadecimal, that a REALITY inbound must accept. */
  readonly shortId: string;
}

/**
 * The config text with the changes applied; the same text when there is nothing to change. Everything else stays byte for byte.
 *
 * @throws {ConfigInvalidError} when the text is no JSON or has no such inbound.
 */
export function editConfig(text: string, changes: InboundChanges): string {
  const source = readJson(text);
  const inbound = findInbound(source, changes.inboundTag);
  const edits = [...clientEdits(source, inbound, changes), ...shortIdEdits(source, inbound, changes.shortId)];
  return edits
    .toSorted((one, other) => other.start - one.start)
    .reduce((edited, { start, end, text: part }) => edited.slice(0, start) + part + edited.slice(end), text);
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function findInbound(source: JsonSource, tag: string): ObjectSpan {
  const inbounds = memberOf(objectAt(source.root), "inbounds");
  const found = (inbounds?.kind === "list" ? inbounds.items : [])
    .filter((item) => item.kind === "object")
    .filter((item) => stringMember(source, item, "tag") === tag);
  const [inbound] = found;
  if (inbound === undefined) throw new ConfigInvalidError(`it has no inbound ${tag}`);
  if (found.length > 1) throw new ConfigInvalidError(`it has more than one inbound ${tag}`);
  if (stringMember(source, inbound, "protocol")?.toLowerCase() !== "vless") {
    throw new ConfigInvalidError(`its inbound ${tag} is not one of VLESS`);
  }
  return inbound;
}

/**
 * The clients of an inbound that have an e-mail, in the file's order.
 *
 * @throws {ConfigInvalidError} as `editConfig`
 */
export function listClients(text: string, inboundTag: string): ConfigClient[] {
  const source = readJson(text);
  const list = clientList(findInbound(source, inboundTag));
  return (list?.items ?? []).map((item) => clientAt(source, item)).filter((client) => client !== null);
}

/**
 * The flow that Xray gives to the clients of an inbound that name none, empty for none.
 *
 * @throws {ConfigInvalidError} as `editConfig`
 */
export function readDefaultFlow(text: string, inboundTag: string): string {
  const source = readJson(text);
  const settings = memberOf(findInbound(source, inboundTag), "settings");
  return settings?.kind === "object" ? (stringMember(source, settings, "flow") ?? "") : "";
}

const listedClient = z
  .looseObject({ id: z.string(), email: z.string(), flow: z.string().default("") })
  .transform(({ id, email, flow }): ConfigClient => ({ email, uuid: id, flow }));

function clientAt(source: JsonSource, item: JsonSpan): ConfigClient | null {
  return listedClient.safeParse(valueAt(source, item)).data ?? null;
}

function clientList(inbound: ObjectSpan): ListSpan | null {
  const list = memberOf(objectAt(memberOf(inbound, "settings")), "clients");
  if (list !== undefined && list.kind !== "list") throw new ConfigInvalidError(`"clients" is no list`);
  return list ?? null;
}

function clientEdits(source: JsonSource, inbound: ObjectSpan, { clients }: InboundChanges): Edit[] {
  const list = clientList(inbound);
  const missing = new Map(clients);
  const changes = (list?.items ?? []).map((item) => {
    const listed = clientAt(source, item);
    const wanted = listed === null ? undefined : clients.get(listed.email);
    if (listed === null || wanted === undefined) return undefined;
    // Of two under one e-mail the first one stays.
    if (wanted === null || !missing.delete(listed.email)) return null;
    return listed.uuid === wanted.uuid && listed.flow === wanted.flow ? undefined : clientText(wanted);
  });
  const added = [...missing.values()].filter((client) => client !== null).map(clientText);
  if (list !== null) return listEdits(source, list, changes, added);
  const settings = objectAt(memberOf(inbound, "settings"));
  return added.length === 0 ? [] : [insertMember(source, settings, `"clients": [${added.join(", ")}]`)];
}

function clientText({ uuid, email, flow }: ConfigClient): string {
  const members = { id: uuid, email, ...(flow !== "" && { flow }) };
  return `{ ${Object.entries(members)
    .map(([name, value]) => `"${name}": ${JSON.stringify(value)}`)
    .join(", ")} }`;
}

function shortIdEdits(source: JsonSource, inbound: ObjectSpan, shortId: string): Edit[] {
  const stream = memberOf(inbound, "streamSettings");
  const reality = stream?.kind === "object" ? memberOf(stream, "realitySettings") : undefined;
  const list = reality?.kind === "object" ? memberOf(reality, "shortIds") : undefined;
  if (list?.kind !== "list") return [];
  const known = list.items.map((item) => canonicalShortId(String(valueAt(source, item))));
  return known.includes(canonicalShortId(shortId)) ? [] : listEdits(source, list, [], [JSON.stringify(shortId)]);
}

/** Xray pads short ids with zeros to eight bytes. */
function canonicalShortId(shortId: string): string {
  return shortId.toLowerCase().padEnd(16, "0");
}

function listEdits(
  source: JsonSource,
  list: ListSpan,
  changes: readonly (string | null | undefined)[],
  append: readonly string[],
): Edit[] {
  if (append.length === 0 && changes.every((change) => change === undefined)) return [];
  const text = editList(source, list, { change: (index) => changes[index], append });
  return [{ start: list.start, end: list.end, text }];
}

/** A VLESS inbound's settings are never empty: it must say `decryption`. */
function insertMember(source: JsonSource, { start, members }: ObjectSpan, text: string): Edit {
  const [first] = members;
  if (first === undefined) throw new ConfigInvalidError(`"settings" is empty`);
  const [lead = ""] = /^\s*/.exec(source.text.slice(start + 1)) ?? [];
  return { start: start + 1, end: start + 1, text: `${lead}${text},` };
}

function objectAt(span: JsonSpan | undefined): ObjectSpan {
  if (span?.kind !== "object") throw new ConfigInvalidError("it is not built as a config is");
  return span;
}

function stringMember(source: JsonSource, object: ObjectSpan, name: string): string | undefined {
  const span = memberOf(object, name);
  const value = span === undefined ? undefined : valueAt(source, span);
  return typeof value === "string" ? value : undefined;
}

/** Xray finds names whatever their case. Of a name that stands twice nobody can say which one counts. */
function memberOf(object: ObjectSpan, name: string): JsonSpan | undefined {
  const found = object.members.filter((member) => member.name.toLowerCase() === name.toLowerCase());
  if (found.length > 1) throw new ConfigInvalidError(`"${name}" stands twice in one place`);
  return found[0]?.value;
}
