import { status } from "@grpc/grpc-js";
import { XrayAnswerInvalidError, XrayRejectedError } from "./errors.ts";
import type { Stat } from "./generated/xray/app/stats/command_pb.ts";
import { StatsService } from "./generated/xray/app/stats/command_pb.ts";
import type { NodeCalls } from "./node-calls.ts";

const { getAllOnlineUsers, getStats, getSysStats, queryStats } = StatsService.method;

/** A counter of Xray, for example `user>>>1@veil>>>traffic>>>uplink`. */
export interface Counter {
  readonly name: string;
  /** Absolute, since the counter came to be in this life of the process. */
  readonly value: number;
}

/** What a node counts. Nothing here ever resets a counter. */
export class Counters {
  readonly #calls: NodeCalls;

  constructor(calls: NodeCalls) {
    this.#calls = calls;
  }

  async uptimeSeconds(): Promise<number> {
    return (await this.#calls.short("uptimeSeconds", getSysStats, {})).uptime;
  }

  async query(pattern: string): Promise<Counter[]> {
    const { stat } = await this.#calls.bulk("queryCounters", queryStats, { pattern });
    return stat.map((each) => this.#counter("queryCounters", each));
  }

  async read(name: string): Promise<number | null> {
    try {
      const { stat } = await this.#calls.short("readCounter", getStats, { name });
      return stat === undefined ? null : this.#counter("readCounter", stat).value;
    } catch (error) {
      if (error instanceof XrayRejectedError && error.code === status.NOT_FOUND) return null;
      throw error;
    }
  }

  async onlineUsers(): Promise<string[]> {
    const { users } = await this.#calls.bulk("onlineUsers", getAllOnlineUsers, {});
    return users.map((name) => name.replace(/^user>>>/, "").replace(/>>>online$/, ""));
  }

  #counter(method: string, { name, value }: Stat): Counter {
    if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new XrayAnswerInvalidError(this.#calls.node, method, `the counter ${name} stands at ${value}`);
    }
    return { name, value: Number(value) };
  }
}
