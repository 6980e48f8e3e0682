import { status } from "@grpc/grpc-js";
import { type Counter, decodeCounters, isCounterValue } from "./decode-counters.ts";
import { XrayAnswerInvalidError, XrayRejectedError } from "./errors.ts";
import { type Stat, StatsService } from "./generated/xray/app/stats/command_pb.ts";
import type { NodeCalls } from "./node-calls.ts";

const { getAllOnlineUsers, getStats, getStatsOnlineIpList, getSysStats, queryStats } = StatsService.method;

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
    return this.#calls.bulkAs("queryCounters", queryStats, { pattern }, decodeCounters);
  }

  async read(name: string): Promise<number | null> {
    try {
      const { stat } = await this.#calls.short("readCounter", getStats, { name });
      return stat === undefined ? null : this.#valueOf(stat);
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

  #valueOf(stat: Stat): number {
    const value = Number(stat.value);
    if (isCounterValue(value)) return value;
    throw new XrayAnswerInvalidError(
      this.#calls.node,
      "readCounter",
      `the counter ${stat.name} stands at ${stat.value}`,
    );
  }
}
