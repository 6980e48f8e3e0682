import { connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type KillableProcess, prepareRedis, type TestbedStore, type TestbedStoreOptions } from "@veil/engines";
import { endTogether, listenLocally } from "../proxies/listen-locally.ts";
import { askRedis } from "./ask-redis.ts";

/** How a replica comes to take over, and what it then lacks. */
export interface Failover {
  /** For so long the replica had got nothing any more. Milliseconds. */
  readonly lagMs: number;
  /** `dies`: by SIGKILL. `goes on`: it takes writes over the connections that it has, until it is demoted. */
  readonly primary: "dies" | "goes on";
  /** How long there are two primaries, if the old one goes on. Milliseconds. */
  readonly splitMs: number;
}

/** A Redis and its replica behind one address, which leads new connections to the primary, as a Service or a HAProxy does. */
export interface RedisPair {
  readonly url: string;
  readonly primary: KillableProcess;
  /** Resolves when the one that was the primary is a replica with all data. */
  failOver(failover: Failover): Promise<void>;
  stop(): Promise<void>;
}

const REPLICATED_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 50;
/** Nobody listens there: a replica of it keeps what it has and gets nothing. */
const NOBODY = ["127.0.0.1", "1"] as const;

/** Starts a replica of a Redis that runs, and waits until it has all data. */
export async function startReplica(
  first: TestbedStore,
  binary: string,
  options: TestbedStoreOptions,
): Promise<RedisPair> {
  let primary = first;
  let replica = await prepareRedis(binary, { ...options, name: "redis-replica" });
  const second = replica;
  await second.process.start();
  await follow(second, first);

  const sockets = new Set<Socket>();
  const front = await listenLocally(
    createServer((client) => {
      const upstream = connect({ host: "127.0.0.1", port: Number(new URL(primary.url).port) });
      endTogether(client, upstream, sockets);
      client.pipe(upstream).pipe(client);
    }),
    sockets,
  );
  return {
    url: `redis://127.0.0.1:${front.port}`,
    get primary() {
      return primary.process;
    },
    failOver: async ({ lagMs, primary: fate, splitMs }) => {
      await replicate(replica, ...NOBODY);
      await sleep(lagMs);
      const old = primary;
      if (fate === "dies") await old.process.kill();
      await replicate(replica, "NO", "ONE");
      [primary, replica] = [replica, old];
      if (fate === "dies") await old.process.start();
      else await sleep(splitMs);
      await follow(old, primary);
    },
    stop: async () => {
      await front.close();
      await second.process.stop(0);
    },
  };
}

async function follow(store: TestbedStore, leader: TestbedStore): Promise<void> {
  await replicate(store, "127.0.0.1", new URL(leader.url).port);
  const until = performance.now() + REPLICATED_WITHIN_MS;
  while (!(await askRedis({ redisUrl: store.url }, (admin) => admin.info("replication"))).includes("link_status:up")) {
    if (performance.now() > until) throw new Error(`${store.process.name} does not follow ${leader.process.name}`);
    await sleep(LOOK_EVERY_MS);
  }
}

async function replicate(store: TestbedStore, host: string, port: string): Promise<void> {
  await askRedis({ redisUrl: store.url }, (admin) => admin.replicaof(host, port));
}
