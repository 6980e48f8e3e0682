import type { Redis } from "@veil/redis";

type DueState = Pick<SimulatedDueIndex, "moments" | "amounts" | "complete" | "entering">;

/** The index in Redis of the keys that are due: two structures, the word that they are complete, and who enters them anew. */
export class SimulatedDueIndex {
  moments = new Map<string, number>();
  amounts = new Map<string, number>();
  complete: string | null = null;
  entering: string | null = null;

  /** As it reaches the disk. */
  copy(): DueState {
    const { moments, amounts, complete, entering } = this;
    return { moments: new Map(moments), amounts: new Map(amounts), complete, entering };
  }

  restore({ moments, amounts, complete, entering }: DueState): void {
    this.moments = new Map(moments);
    this.amounts = new Map(amounts);
    this.complete = complete;
    this.entering = entering;
  }

  forget(): void {
    this.restore({ moments: new Map(), amounts: new Map(), complete: null, entering: null });
  }

  /**
   * The connection that the index uses. The script tells what is done; what it does is done here.
   *
   * @param command carries an effect out as one command
   */
  connection(command: <T>(label: string, effect: () => T) => Promise<T>, runId: () => string): Redis {
    const commands = {
      eval: (script: string, keys: number, ...args: (string | number)[]) => {
        const given = args.slice(keys);
        const [first = "", second = "", third = ""] = given;
        if (script.includes("ZRANGEBYSCORE")) {
          return command("take due keys", () => this.#take(Number(first), Number(second), Number(third)));
        }
        if (script.includes("'SET'")) {
          return command("the due index is complete", () => this.#markComplete(String(first), String(third)));
        }
        if (script.includes("ZREM")) return command(`replace due ${first}`, () => this.#replaceAll(given));
        return command(`expect due ${first}`, () => this.#expect(String(first), second, third));
      },
      get: () => command("is the due index complete", () => this.complete),
      ttl: () => Promise.resolve(3_600),
      info: () => Promise.resolve(`# Server\r\nrun_id:${runId()}\r\n`),
      set: (_: string, value: string) => command("begin to enter due keys", () => void (this.entering = value)),
      hmget: (_: string, ...keys: string[]) =>
        command("ask for due amounts", () => keys.map((key) => this.amounts.get(key)?.toString() ?? null)),
      zmscore: (_: string, ...keys: string[]) =>
        command("ask for due moments", () => keys.map((key) => this.moments.get(key)?.toString() ?? null)),
      zadd: (_: string, _order: string, ...pairs: (string | number)[]) =>
        command("keys have moved", () => {
          for (let at = 0; at < pairs.length; at += 2) lower(this.moments, String(pairs[at + 1]), Number(pairs[at]));
        }),
    };
    return commands as unknown as Redis;
  }

  #take(now: number, limit: number, again: number): string[] {
    const due = [...this.moments].filter(([, at]) => at <= now).toSorted(([, one], [, other]) => one - other);
    const taken = due.slice(0, limit).map(([key]) => key);
    for (const key of taken) this.moments.set(key, again);
    return taken;
  }

  #markComplete(run: string, entering: string): 0 | 1 {
    if (this.entering !== entering) return 0;
    this.entering = null;
    this.complete = run;
    return 1;
  }

  /** @param entries key id, moment and amount of each key */
  #replaceAll(entries: readonly (string | number)[]): void {
    for (let at = 0; at < entries.length; at += 3) {
      const [key = "", moment = "", amount = ""] = entries.slice(at, at + 3);
      this.#replace(key, moment, amount);
    }
  }

  #replace(key: string | number, at: string | number, traffic: string | number): void {
    put(this.moments, String(key), at);
    put(this.amounts, String(key), traffic);
  }

  #expect(key: string, at: string | number, traffic: string | number): void {
    if (at !== "") lower(this.moments, key, Number(at));
    if (traffic !== "") lower(this.amounts, key, Number(traffic));
  }
}

function put(entries: Map<string, number>, key: string, value: string | number): void {
  if (value === "") entries.delete(key);
  else entries.set(key, Number(value));
}

function lower(entries: Map<string, number>, key: string, value: number): void {
  entries.set(key, Math.min(entries.get(key) ?? Number.POSITIVE_INFINITY, value));
}
