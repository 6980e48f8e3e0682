import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { requireSameMeaning } from "./compare-meaning.ts";
import { editList } from "./edit-list.ts";
import { ConfigInvalidError } from "./errors.ts";
import { type JsonSource, type JsonSpan, type ListSpan, type ObjectSpan, readJson } from "./json-source.ts";
import {
  canonicalShortId,
  clientAt,
  type ClientForm,
  type ConfigClient,
  type ConfigInbound,
  findInbound,
  placeOfNewList,
  shortIdsAt,
} from "./config-inbound.ts";

/** The changes to make to one inbound of the file. */
export interface InboundChanges {
  readonly inboundTag: string;
  readonly form: ClientForm;
  /** By e-mail: the client that should be there, null for none. All other clients are left alone. */
  readonly clients: ReadonlyMap<string, ConfigClient | null>;
  /** A short id, hexadecimal, that a REALITY inbound must accept; null to leave those as they are. */
  readonly shortId: string | null;
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

/** A config text with changes applied. */
export interface EditedConfig {
  readonly text: string;
  /** By place among the changes: those that could not be made, of inbounds that are as they were. */
  readonly faults: ReadonlyMap<number, ConfigInvalidError>;
}

/**
 * The config text with changes of some inbounds applied; the same text when there is nothing to change. Everything else stays byte for
 * byte, and what Xray makes of it stays as well. An inbound that can't be changed keeps no other one from it.
 *
 * @throws {ConfigInvalidError} when the text is no JSON, or the only changes that are asked for can't be made
 */
export function editConfig(text: string, all: readonly InboundChanges[]): EditedConfig {
  const tags = new Set(all.map(({ inboundTag }) => inboundTag));
  try {
    if (tags.size === all.length) return { text: editTogether(text, all), faults: new Map() };
  } catch (error) {
    if (!(error instanceof ConfigInvalidError) || all.length === 1) throw error;
  }
  // What is no JSON is no fault of one of them.
  readJson(text);
  const faults = new Map<number, ConfigInvalidError>();
  const edited = all.reduce((before, changes, index) => {
    try {
      return editTogether(before, [changes]);
    } catch (error) {
      if (!(error instanceof ConfigInvalidError)) throw error;
      faults.set(index, error);
      return before;
    }
  }, text);
  return { text: edited, faults };
}

function editTogether(text: string, asked: readonly InboundChanges[]): string {
  const source = readJson(text);
  const all = asked.map((changes) => withSomebody(source, changes));
  const edits = all.flatMap((changes) => {
    const inbound = findInbound(source, changes.inboundTag, changes.form);
    return [...clientEdits(source, inbound, changes), ...shortIdEdits(source, inbound, changes.shortId)];
  });
  if (edits.length === 0) return text;
  const edited = edits
    .toSorted((one, other) => other.start - one.start)
    .reduce((before, { start, end, text: part }) => before.slice(0, start) + part + before.slice(end), text);
  requireSameMeaning(source, readJson(edited), all);
  return edited;
}

/** @throws {ConfigInvalidError} when the text is no JSON or has no such inbound */
export function listClients(text: string, inboundTag: string, form: ClientForm): ListedClients {
  const source = readJson(text);
  const { users, defaultFlow, shortIds } = findInbound(source, inboundTag, form);
  return {
    clients: (users?.items ?? []).map((item) => clientAt(source, item, form)).filter((client) => client !== null),
    defaultFlow,
    accepts: (shortId) => shortIds === null || shortIdsAt(source, shortIds).includes(canonicalShortId(shortId)),
  };
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The e-mail of {@link withSomebody}'s client. */
const NOBODY = "nobody";

/**
 * An inbound of Shadowsocks without any client lets in everybody who knows its password. So the last one that goes leaves one in
 * its place whose password nobody knows.
 */
function withSomebody(source: JsonSource, changes: InboundChanges): InboundChanges {
  const { form, inboundTag, clients } = changes;
  if (form.protocol !== "shadowsocks") return changes;
  const listed = (findInbound(source, inboundTag, form).users?.items ?? []).map((item) => clientAt(source, item, form));
  const [first] = listed;
  const areAllGone = listed.every((client) => client !== null && clients.get(client.email) === null);
  if (first === undefined || first === null || !areAllGone) return changes;
  if ([...clients.values()].some((client) => client !== null)) return changes;
  const password = randomBytes(Buffer.from(first.values[0], "base64").length).toString("base64");
  return { ...changes, clients: new Map([...clients, [NOBODY, { email: NOBODY, values: [password] }]]) };
}

function clientEdits(source: JsonSource, inbound: ConfigInbound, { clients, form }: InboundChanges): Edit[] {
  const list = inbound.users;
  const missing = new Map(clients);
  const changes = (list?.items ?? []).map((item) => {
    const listed = clientAt(source, item, form);
    const wanted = listed === null ? undefined : clients.get(listed.email);
    if (listed === null || wanted === undefined) return undefined;
    // Of two under one e-mail the first one stays.
    if (wanted === null || !missing.delete(listed.email)) return null;
    return isDeepStrictEqual(listed.values, wanted.values) ? undefined : clientText(wanted, form);
  });
  const added = [...missing.values()].filter((client) => client !== null).map((client) => clientText(client, form));
  if (list !== null) return listEdits(source, list, changes, added);
  if (added.length === 0) return [];
  const noList = placeOfNewList(source, inbound);
  const text = `[${added.join(", ")}]`;
  return [noList === undefined ? insertMember(source, inbound.settings, `"clients": ${text}`) : replaced(noList, text)];
}

function clientText({ email, values }: ConfigClient, { members }: ClientForm): string {
  const [secret, ...others] = members.map((name, index) => [name, values[index] ?? ""] as const);
  return `{ ${[secret, ["email", email] as const, ...others.filter(([, value]) => value !== "")]
    .flatMap((member) => (member === undefined ? [] : [`"${member[0]}": ${JSON.stringify(member[1])}`]))
    .join(", ")} }`;
}

function shortIdEdits(source: JsonSource, { shortIds }: ConfigInbound, shortId: string | null): Edit[] {
  if (shortId === null || shortIds === null || shortIdsAt(source, shortIds).includes(canonicalShortId(shortId)))
    return [];
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

function insertMember(source: JsonSource, { start, members }: ObjectSpan, text: string): Edit {
  const [lead = ""] = members.length === 0 ? [" "] : (/^\s*/.exec(source.text.slice(start + 1)) ?? []);
  return { start: start + 1, end: start + 1, text: `${lead}${text}${members.length === 0 ? " " : ","}` };
}
