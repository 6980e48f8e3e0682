import type { FoundHistory, HistoryUpdate, UsageHistory, UsageStore } from "@veil/traffic";
import type { Connection, mongo } from "mongoose";
import { byId, FindById } from "./by-id.ts";
import type { MongoConnection } from "./connect-mongo.ts";
import { idsOf, type ManyUpdate, removeMany, updateMany } from "./many-entities.ts";
import { DocumentReader, type OnUnreadable } from "./read-documents.ts";
import { type UsageDocument, usageDocument } from "./traffic-codecs.ts";

/**
 * The past of metered entities in the collection `usage`, one document each. It is only ever raised, by `_id` alone.
 *
 * Every method throws StoreUnavailableError while MongoDB is away; a write may then have happened.
 */
export class MongoUsageStore implements UsageStore {
  readonly #connection: Connection;
  readonly #histories: mongo.Collection<UsageDocument>;
  readonly #found: FindById<UsageDocument>;
  readonly #reader: DocumentReader;

  constructor({ connection }: MongoConnection, onUnreadable: OnUnreadable) {
    this.#connection = connection;
    this.#histories = connection.collection<UsageDocument>("usage");
    this.#found = new FindById(connection, this.#histories);
    this.#reader = new DocumentReader("usage", onUnreadable);
  }

  async readUsage(entity: string): Promise<UsageHistory | null> {
    const document = await this.#found.find(entity);
    return document === null ? null : toHistory(this.#reader.one(usageDocument, document));
  }

  async readMany(entities: readonly string[]): Promise<ReadonlyMap<string, FoundHistory>> {
    const documents = this.#reader.byId(usageDocument, await this.#found.findAll(entities));
    return new Map([...documents].map(([id, found]) => [id, found === "unreadable" ? found : toHistory(found)]));
  }

  async writeMany(updates: readonly HistoryUpdate[]): Promise<Set<string>> {
    const refused = await updateMany(this.#connection, this.#histories, updates, changeOf);
    return new Set(refused.map(({ entity }) => entity));
  }

  entities(): AsyncGenerator<string> {
    return idsOf(this.#histories);
  }

  async remove(entities: readonly string[]): Promise<void> {
    await removeMany(this.#connection, this.#histories, entities);
  }
}

function changeOf(update: HistoryUpdate): ManyUpdate<UsageDocument> {
  const { entity, hours, days, oldHours, oldDays } = update;
  const old = [...oldHours.map((number) => `hours.${number}`), ...oldDays.map((number) => `days.${number}`)];
  const change: mongo.UpdateFilter<UsageDocument> = {
    $max: { ...pathsOf("hours", hours), ...pathsOf("days", days) },
    ...(old.length > 0 && { $unset: Object.fromEntries(old.map((path) => [path, ""])) }),
  };
  return { filter: byId(entity), update: change, upsert: true };
}

function pathsOf(field: keyof UsageHistory, milestones: HistoryUpdate["hours"]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(milestones).flatMap(([number, { up, down }]) => [
      [`${field}.${number}.up`, up],
      [`${field}.${number}.down`, down],
    ]),
  );
}

function toHistory({ hours, days }: UsageDocument): UsageHistory {
  return { hours, days };
}
