import { type TokenEvent, tokenEventId, type TokenOutbox } from "@veil/tokens";
import type { mongo } from "mongoose";
import { byId, FindById } from "./by-id.ts";
import type { MongoConnection } from "./connect-mongo.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { stampOf } from "./step-documents.ts";
import { storeErrors } from "./store-errors.ts";
import { type TokenDocument, tokenDocument, toToken } from "./token-codec.ts";

const [MADE, REMOVED] = ["token.created", "token.deleted"] as const;

/** The events of tokens, in the documents in which they were born. There are few. */
export class MongoTokenOutbox implements TokenOutbox {
  readonly #tokens: mongo.Collection<TokenDocument>;
  readonly #found: FindById<TokenDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#tokens = connection.collection<TokenDocument>("tokens");
    this.#found = new FindById(connection, this.#tokens);
    this.#reader = new DocumentReader("tokens", onUnreadable);
  }

  async pending(ids: readonly string[]): Promise<TokenEvent[]> {
    return this.#reader.many(tokenDocument, await this.#found.findAll(ids)).flatMap(eventsOf);
  }

  async mark(events: readonly Pick<TokenEvent, "id">[]): Promise<void> {
    for (const { id } of events) {
      const [made, removed] = [idOf(id, MADE), idOf(id, REMOVED)];
      await storeErrors(async () => {
        if (made !== null) await this.#tokens.updateOne(byId(made), { $unset: { made: "" } });
        if (removed !== null) await this.#tokens.deleteOne(byId(removed));
      });
    }
  }

  async unlogged(): Promise<string[]> {
    const open = { $or: [{ made: { $exists: true } }, { removed: { $exists: true } }] };
    const found = await storeErrors(() => this.#tokens.find<TokenDocument>(open).toArray());
    return found.map(({ _id }) => _id);
  }
}

function eventsOf(document: TokenDocument): TokenEvent[] {
  const { made, removed } = document;
  const stored = toToken(document);
  const token = removed === undefined ? stored : { ...stored, name: removed.name, expiresAt: removed.expires_at };
  const event = (type: TokenEvent["type"], stamp: Parameters<typeof stampOf>[0]): TokenEvent => ({
    ...stampOf(stamp),
    id: tokenEventId(document._id, type),
    type,
    token,
  });
  return [
    ...(made === undefined ? [] : [event(MADE, made)]),
    ...(removed === undefined ? [] : [event(REMOVED, removed)]),
  ];
}

function idOf(eventId: string, type: TokenEvent["type"]): string | null {
  const prefix = tokenEventId("", type);
  return eventId.startsWith(prefix) ? eventId.slice(prefix.length) : null;
}
