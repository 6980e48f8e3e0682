import { requireSameMeaning } from "./compare-meaning.ts";
import { editList } from "./edit-list.ts";
import { ConfigInvalidError } from "./errors.ts";
import { type JsonSource, type JsonSpan, type ListSpan, type ObjectSpan, placeOf, readJson } from "./json-source.ts";
import {
  canonicalShortId,
  clientAt,
  type ConfigClient,
  findInbound,
  placeOfNewList,
  shortIdsAt,
  type VlessInbound,
} from "./vless-inbound.ts";

/** The changes to make to one VLESS inbound of the file. */
export interface InboundChanges {
  readonly inboundTag: string;
  /** By e-mail: the client that should be there, null for none. All other clients are left alone. */
  readonly clients: ReadonlyMap<string, ConfigClient | null>;
  /** A short id, hexadecimal, that a REALITY inbound must accept. */
  readonly shortId: string;
}

/** The clients of one inbound, as the file lists them. */
export interface ListedClients {
  /** Those that have an e-mail, in the file's order. */
  readonly clients: readonly ConfigClient[];
  /** The flow that Xray gives to the clients that name none, empty for none. */
  readonly defaultFlow: string;
  /** Whether clients may come with a short id; true when it is none of REALITY. */
  readonly accepts: (shortId: string) => boolean;
}

/**
 * The config text with the changes applied; the same text when there is nothing to change. Everything else stays byte for
 * byte, and what Xray makes of it stays as well.
 *
 * @throws {ConfigInvalidError} when the text is no JSON, has no such inbound, or could not be changed without changing more
 */
export function editConfig(text: string, changes: InboundChanges): string {
  const source = readJson(text);
  const inbound = findInbound(source, changes.inboundTag);
  const edits = [...clientEdits(source, inbound, changes), ...shortIdEdits(source, inbound, changes.shortId)];
  if (edits.length === 0) return text;
  const edited = edits
    .toSorted((one, other) => other.start - one.start)
    .reduce((before, { start, end, text: part }) => before.slice(0, start) + part + before.slice(end), text);
  requireSameMeaning(source, readJson(edited), changes);
  return edited;
}

/** @throws {ConfigInvalidError} when the text is no JSON or has no such inbound */
export function listClients(text: string, inboundTag: string): ListedClients {
  const source = readJson(text);
  const { users, defaultFlow, shortIds } = findInbound(source, inboundTag);
  return {
    clients: (users?.items ?? []).map((item) => clientAt(source, item)).filter((client) => client !== null),
    defaultFlow,
    accepts: (shortId) => shortIds === null || shortIdsAt(source, shortIds).includes(canonicalShortId(shortId)),
  };
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function clientEdits(source: JsonSource, inbound: VlessInbound, { clients }: InboundChanges): Edit[] {
  const list = inbound.users;
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
  if (added.length === 0) return [];
  const noList = placeOfNewList(source, inbound);
  const text = `[${added.join(", ")}]`;
  return [noList === undefined ? insertMember(source, inbound.settings, `"clients": ${text}`) : replaced(noList, text)];
}

function clientText({ uuid, email, flow }: ConfigClient): string {
  const members = { id: uuid, email, ...(flow !== "" && { flow }) };
  return `{ ${Object.entries(members)
    .map(([name, value]) => `"${name}": ${JSON.stringify(value)}`)
    .join(", ")} }`;
}

function shortIdEdits(source: JsonSource, { shortIds }: VlessInbound, shortId: string): Edit[] {
  if (shortIds === null || shortIdsAt(source, shortIds).includes(canonicalShortId(shortId))) return [];
  return listEdits(source, shortIds, [], [JSON.stringify(shortId)]);
}

function listEdits(
  source: JsonSource,
  list: ListSpan,
  changes: readonly (string | null | undefined)[],
  append: readonly string[],
): Edit[] {
  if (append.length === 0 && changes.every((change) => change === undefined)) return [];
  return [replaced(list, editList(source, list, { change: (index) => changes[index], append }))];
}

function replaced({ start, end }: JsonSpan, text: string): Edit {
  return { start, end, text };
}

/** A VLESS inbound's settings are never empty: it must say `decryption`. */
function insertMember(source: JsonSource, settings: ObjectSpan, text: string): Edit {
  const { start, members } = settings;
  if (members.length === 0) throw new ConfigInvalidError(`"settings" is empty, ${placeOf(source, settings)}`);
  const [lead = ""] = /^\s*/.exec(source.text.slice(start + 1)) ?? [];
  return { start: start + 1, end: start + 1, text: `${lead}${text},` };
}
