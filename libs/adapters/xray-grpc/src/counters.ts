import { status } from "@grpc/grpc-js";
import { type Counter, counterValue, decodeCounters, type InvalidCounter } from "./decode-counters.ts";
import { XrayAnswerInvalidError, XrayRejectedError } from "./errors.ts";
import { StatsService } from "./generated/xray/app/stats/command_pb.ts";
import type { NodeCalls } from "./node-calls.ts";

const { getAllOnlineUsers, getStats, getStatsOnlineIpList, getSysStats, queryStats } = StatsService.method;

/**
 * The counters of a node. Nothing here ever resets a counter. One that makes no sense is reported and left out: the
 * others stand.
 */
export class Counters {
  readonly #calls: NodeCalls;
  readonly #onInvalid: (error: XrayAnswerInvalidError) => void;

  constructor(calls: NodeCalls, onInvalid: (error: XrayAnswerInvalidError) => void) {
    this.#calls = calls;
    this.#onInvalid = onInvalid;
  }

  async uptimeSeconds(): Promise<number> {
    return (await this.#calls.short("uptimeSeconds", getSysStats, {})).uptime;
  }

  async query(pattern: string): Promise<Counter[]> {
    const found = await this.#calls.bulkAs("queryCounters", queryStats, { pattern }, decodeCounters);
    for (const counter of found.invalid) this.#report(counter, "queryCounters");
    return found.counters;
  }

  async read(name: string): Promise<number | null> {
    try {
      const { stat } = await this.#calls.short("readCounter", getStats, { name });
      if (stat === undefined) return null;
      const value = counterValue(stat.value);
      if (value === null) this.#report(stat, "readCounter");
      return value;
    } catch (error) {
      if (error instanceof XrayRejectedError && error.code === status.NOT_FOUND) return null;
      throw error;
    }
  }

  async onlineAddresses(email: string): Promise<string[] | null> {
    const name = `user>>>${email}>>>online`;
    try {
      const { ips } = await this.#calls.short("onlineAddresses", getStatsOnlineIpList, { name });
      // IPv6 addresses stand in brackets.
      return Object.keys(ips)
        .map((address) => address.replace(/^\[(.*)\]$/, "$1"))
        .toSorted();
    } catch (error) {
      if (error instanceof XrayRejectedError && error.code === status.NOT_FOUND) return null;
      throw error;
    }
  }

  async onlineUsers(): Promise<string[]> {
    const { users } = await this.#calls.bulk("onlineUsers", getAllOnlineUsers, {});
    return users.map((name) => name.replace(/^user>>>/, "").replace(/>>>online$/, ""));
  }

  #report({ name, value }: InvalidCounter, method: "queryCounters" | "readCounter"): void {
    this.#onInvalid(new XrayAnswerInvalidError(this.#calls.node, method, `the counter ${name} stands at ${value}`));
  }
}
