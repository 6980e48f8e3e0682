import type { EventLog, EventQuery, LoggedEvent, TailEntry, VeilEvent } from "@veil/events";
import { type KeyHistory, type KeyOutbox, unloggedEvents } from "@veil/keys";
import type { Redis } from "@veil/redis";
import type { SimulatedMongo } from "./simulated-mongo.ts";
import type { Process } from "./world.ts";

type HintsState = Pick<SimulatedHints, "entries" | "complete" | "entering">;

/** The hints in Redis to where events may have been born. */
export class SimulatedHints {
  entries = new Map<string, number>();
  complete: string | null = null;
  entering: string | null = null;
  /** Whether some hint never reached Redis: only a look at everything finds what it was about. */
  wereLost = false;

  copy(): HintsState {
    return { entries: new Map(this.entries), complete: this.complete, entering: this.entering };
  }

  restore({ entries, complete, entering }: HintsState): void {
    this.entries = new Map(entries);
    this.complete = complete;
    this.entering = entering;
  }

  /** The connection that the hints use. @param command carries an effect out as one command */
  connection(command: <T>(label: string, effect: () => T) => Promise<T>, runId: () => string): Redis {
    const between = (least: Bound, most: Bound): [string, number][] =>
      [...this.entries].filter(([, at]) => isWithin(at, least, most)).toSorted(([, one], [, other]) => one - other);
    const commands = {
      zadd: (_: string, ...given: (string | number)[]) => {
        const isPresentOnly = given[0] === "XX";
        const pairs = isPresentOnly ? given.slice(1) : given;
        const added = command(`hints at ${String(pairs[1])}`, () => {
          for (let at = 0; at < pairs.length; at += 2) {
            const member = String(pairs[at + 1]);
            if (!isPresentOnly || this.entries.has(member)) this.entries.set(member, Number(pairs[at]));
          }
        });
        if (!isPresentOnly) added.catch(() => (this.wereLost = true));
        return added;
      },
      zrem: (_: string, ...members: string[]) =>
        command("forgets hints", () => {
          for (const member of members) this.entries.delete(member);
        }),
      zrangebyscore: (_: string, least: Bound, most: Bound, ...given: (string | number)[]) =>
        command("looks for hints", () =>
          between(least, most)
            .slice(0, Number(given.at(-1)))
            .flat()
            .map(String),
        ),
      zcount: (_: string, least: Bound, most: Bound) => command("counts hints", () => between(least, most).length),
      get: () => command("was everything looked at", () => this.complete),
      ttl: () => Promise.resolve(3_600),
      info: () => Promise.resolve(`# Server\r\nrun_id:${runId()}\r\n`),
      set: (_: string, value: string) => command("begin to look at everything", () => void (this.entering = value)),
      eval: (_script: string, keys: number, ...args: (string | number)[]) => {
        const [run, , look] = args.slice(keys);
        return command("everything was looked at", () => {
          if (this.entering !== look) return 0;
          this.entering = null;
          this.complete = String(run);
          return 1;
        });
      },
    };
    return commands as unknown as Redis;
  }
}

/** Of a range of scores: a number, an infinity, or `(` before what is not part of it. */
type Bound = string | number;

function isWithin(score: number, least: Bound, most: Bound): boolean {
  const isBeyond =
    typeof least === "string" && least.startsWith("(") ? score > numberOf(least) : score >= numberOf(least);
  return isBeyond && score <= numberOf(most);
}

function numberOf(bound: Bound): number {
  const infinities: Record<string, number> = { "-inf": Number.NEGATIVE_INFINITY, "+inf": Number.POSITIVE_INFINITY };
  return infinities[bound] ?? Number(String(bound).replace("(", ""));
}

/** The log as MongoDB has it. */
export class SimulatedLog {
  readonly events = new Map<number, VeilEvent>();
  checkpoint = 0;
}

/** One process's view of the log, in the same steps as the real one. */
export function logClient(mongo: SimulatedMongo, process: Process): EventLog {
  const { log } = mongo;
  const read = async ({ after, limit }: Pick<EventQuery, "after" | "limit">): Promise<LoggedEvent[]> =>
    mongo.read(process, `read events after ${after}`, () => {
      const found = [...log.events].filter(([seq]) => seq > after).toSorted(([one], [other]) => one - other);
      return found.slice(0, limit).map(([seq, event]) => ({ ...event, seq }));
    });
  return {
    read,
    tail: (after, limit): Promise<TailEntry[]> => read({ after, limit }),
    append: async (after, events) => {
      // In two parts, since others come between the documents of one command.
      const documents = events.map((event, index): [number, VeilEvent] => [after + index + 1, event]);
      for (const part of [documents.slice(0, 1), documents.slice(1)]) {
        if (part.length === 0) continue;
        const isTaken = await mongo.write(
          process,
          `log events: ${part.map(([seq, { id }]) => `${seq} ${id}`).join(", ")}`,
          () => {
            for (const [seq, event] of part) {
              if (log.events.has(seq)) return true;
              log.events.set(seq, event);
            }
            return false;
          },
        );
        if (isTaken) return "outrun";
      }
      return "appended";
    },
    checkpoint: () => mongo.read(process, "up to where is the log marked", () => log.checkpoint),
    raiseCheckpoint: (seq) =>
      mongo.write(
        process,
        `the log is marked up to ${seq}`,
        () => void (log.checkpoint = Math.max(log.checkpoint, seq)),
      ),
    drop: async () => 0,
  };
}

/** One process's view of the events of keys. */
export function outboxClient(mongo: SimulatedMongo, process: Process): KeyOutbox {
  return {
    histories: (keyIds) =>
      mongo.read(process, `find what is unlogged of keys ${keyIds.join(" ")}`, () =>
        keyIds.map((keyId) => mongo.historyOf(keyId)).filter((history) => history !== null),
      ),
    mark: (marks) =>
      mongo.write(process, `mark events: ${[...marks.values()].flat().join(" ")}`, () => {
        for (const [keyId, ids] of marks) for (const id of ids) mongo.keys.get(keyId)?.relayed.add(id);
      }),
    unrelayed: async function* unrelayed() {
      yield await mongo.read(process, "find all keys with unlogged events", () =>
        unlogged(mongo).map(({ key }) => key.keyId),
      );
    },
  };
}

/** Keys of which some event is not marked. */
export function unlogged(mongo: SimulatedMongo): KeyHistory[] {
  const all = [...mongo.keys.keys()].map((keyId) => mongo.historyOf(keyId));
  return all.filter((history) => history !== null).filter((history) => unloggedEvents(history).length > 0);
}

/** Keys of which events may be logged, of whose devices some event is not marked: what comes behind a key's end is not logged. */
export function unloggedOfDevices(mongo: SimulatedMongo): number[] {
  return mongo.devices.unlogged.filter((keyId) => {
    const history = mongo.historyOf(keyId);
    const ofDevices = mongo.devices.find(keyId)?.outbox ?? [];
    return history !== null && unloggedEvents(history, ofDevices).length > 0;
  });
}
