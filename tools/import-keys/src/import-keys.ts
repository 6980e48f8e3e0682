import { randomBytes } from "node:crypto";
import {
  type DesiredState,
  firstTerms,
  importJobOf,
  type KeyHousekeeping,
  type KeyLease,
  type KeyReader,
  type KeyStore,
  subscriptionToken,
  TOKEN_SEED_BYTES,
} from "@veil/keys";
import type { ExclusiveTask } from "@veil/redis";
import type { Clock } from "@veil/runtime";
import type { NodeLivesStore, TrafficStore } from "@veil/traffic";
import type { XrayNode } from "@veil/xray-grpc";
import type { VlessFlow } from "@veil/protocols";
import pLimit from "p-limit";
import { carryTraffic } from "./carry-traffic.ts";
import { fitKeyName, type ImportPlan, planOf } from "./import-plan.ts";
import { ownersOf } from "./former-users.ts";
import { holdReconcilers } from "./hold-reconcilers.ts";
import { ImportIncompleteError, ImportStoppedError } from "./import-errors.ts";
import { keyFlows } from "./key-flows.ts";
import type { LegacyKey } from "./legacy-key.ts";
import { replaceUser } from "./replace-user.ts";
import { type ConfigToRewrite, rewriteConfig } from "./rewrite-config.ts";
import { checkConflicts, takeStock } from "./take-stock.ts";

export interface ImportPorts {
  /** The time of day that all processes of the system share. */
  readonly clock: Pick<Clock, "now">;
  readonly nodes: readonly XrayNode[];
  readonly store: KeyStore;
  readonly desired: Pick<DesiredState, "findDesired" | "findCreating">;
  readonly housekeeping: Pick<KeyHousekeeping, "skipKeyIds">;
  readonly reader: Pick<KeyReader, "findMany">;
  readonly records: Pick<TrafficStore, "findMany" | "writeMany">;
  readonly lives: NodeLivesStore;
  readonly lease: KeyLease;
  readonly exclusive: Pick<ExclusiveTask, "redis" | "prefix">;
  /** The flow of keys that no node holds. */
  readonly flow: VlessFlow;
  readonly config: Omit<ConfigToRewrite, "exclusive" | "findDesired"> | null;
  /** Called with what is done, and how far it is. */
  readonly onProgress: (step: string, done: number, total: number) => void;
  /** Aborted when the import is to stop; a user under way is finished. */
  readonly signal: AbortSignal;
}

export interface ImportSummary {
  /** Keys that came to be, and those that were here already. */
  readonly added: number;
  readonly present: number;
  /** Keys whose stored totals were taken over, and those whose counters of before had moved. */
  readonly totalsTaken: number;
  readonly countersMoved: number;
  /** Users that were replaced or added, over all nodes. */
  readonly replaced: number;
  /** The longest time for which one key could not connect. */
  readonly longestAwayMs: number;
  readonly config: "written" | "unchanged" | "none";
}

/** Leases and look-ups overlap; the changes themselves are made one by one. */
const REPLACED_AT_ONCE = 8;
const INSERTED_AT_ONCE = 500;
const MOST_ROUNDS = 3;

/**
 * Plans an import. Changes nothing.
 *
 * @throws {ImportError | StoreUnavailableError}
 */
export async function planImport(keys: readonly LegacyKey[], ports: ImportPorts): Promise<ImportPlan> {
  const active = keys.filter(({ isActive }) => isActive);
  const stock = await Promise.all(ports.nodes.map((node) => takeStock(node, active)));
  keyFlows(stock.flatMap(({ flows }) => flows));
  const records = await findRecords(active, ports);
  checkConflicts(active, await presentKeys(records, ports));
  return planOf(keys, stock, records, ports.clock.now());
}

/**
 * Moves the keys, in steps of which each can be repeated: the counter of key ids, the keys, their totals, Xray's config
 * file, their users in the nodes, and what was counted meanwhile. A run that finds a step done does nothing there.
 *
 * @throws {ImportError | XrayError | ConfigFileError | StoreUnavailableError} after which a further run goes on
 */
export async function importKeys(keys: readonly LegacyKey[], ports: ImportPorts): Promise<ImportSummary> {
  await planImport(keys, ports);
  const active = keys.filter(({ isActive }) => isActive);
  const owners = ownersOf(keys);
  return holdReconcilers(
    ports.nodes.map(({ name }) => name),
    ports.exclusive,
    async () => {
      await ports.housekeeping.skipKeyIds(keys.at(-1)?.id ?? 0);
      const { added, present } = await addKeys(active, ports);
      const living = await livingKeys(active, ports);
      ports.onProgress("totals", 0, living.length);
      const first = await carryTraffic(living, owners, ports);
      const config = await rewrite(active, ports);
      const { replaced, longestAwayMs } = await replaceAll(active, ports);
      const last = await carryTraffic(living, owners, ports);
      ports.onProgress("totals", living.length, living.length);
      return {
        added,
        present,
        totalsTaken: first.taken + last.taken,
        countersMoved: Math.max(first.moved, last.moved),
        replaced,
        longestAwayMs,
        config,
      };
    },
  );
}

async function addKeys(keys: readonly LegacyKey[], ports: ImportPorts): Promise<{ added: number; present: number }> {
  const records = await findRecords(keys, ports);
  checkConflicts(keys, await presentKeys(records, ports));
  const missing = keys.filter(({ id }) => !records.has(id));
  const stock = await Promise.all(ports.nodes.map((node) => takeStock(node, missing)));
  const flows = keyFlows(stock.flatMap((one) => one.flows));
  for (let start = 0; start < missing.length; start += INSERTED_AT_ONCE) {
    stopIfAsked(ports);
    ports.onProgress("keys", start, missing.length);
    const part = missing.slice(start, start + INSERTED_AT_ONCE);
    await Promise.all(
      part.map(({ id, uuid, name, createdAt }) => {
        const attributes = {
          keyId: id,
          uuid,
          flow: flows.get(id) ?? ports.flow,
          name: fitKeyName(name),
          createdAt,
          owner: null,
        };
        // At random: what is made of the UUID can be made by whoever has an old link.
        const token = subscriptionToken(id, randomBytes(TOKEN_SEED_BYTES));
        const begins = { token, terms: firstTerms({}, { createdAt, nextResetAt: null }), outbox: [] };
        return ports.store.decide({ ...attributes, job: importJobOf(id), phase: "active", indeterminate: [], begins });
      }),
    );
  }
  ports.onProgress("keys", missing.length, missing.length);
  return { added: missing.length, present: keys.length - missing.length };
}

/** Those that were not deleted since an earlier run. */
async function livingKeys(keys: readonly LegacyKey[], { desired }: ImportPorts): Promise<LegacyKey[]> {
  const wanted = await desired.findDesired();
  return keys.filter(({ id }) => wanted.has(id));
}

async function rewrite(keys: readonly LegacyKey[], ports: ImportPorts): Promise<ImportSummary["config"]> {
  const { config, desired, exclusive } = ports;
  if (config === null) return "none";
  stopIfAsked(ports);
  return rewriteConfig(keys, { ...config, exclusive, findDesired: () => desired.findDesired() });
}

/** Leftovers of one round, and changes that somebody else made meanwhile, are seen in the next. */
async function replaceAll(
  keys: readonly LegacyKey[],
  ports: ImportPorts,
): Promise<{ replaced: number; longestAwayMs: number }> {
  let replaced = 0;
  let longestAwayMs = 0;
  for (const node of ports.nodes) {
    for (let round = 1; ; round += 1) {
      const { held } = await takeStock(node, keys);
      const desired = await ports.desired.findDesired();
      const open = keys.filter(({ id }) => {
        const { former, ours } = held.get(id) ?? nothing;
        return former.length > 0 || (desired.has(id) && !ours);
      });
      if (open.length === 0) break;
      if (round > MOST_ROUNDS)
        throw new ImportIncompleteError(
          node.name,
          open.map(({ id }) => id),
        );
      const limit = pLimit(REPLACED_AT_ONCE);
      const oneAtATime = pLimit(1);
      let done = 0;
      const ends = await Promise.allSettled(
        open.map(({ id }) =>
          limit(async () => {
            stopIfAsked(ports);
            const awayMs = await replaceUser(id, node, held.get(id) ?? nothing, { ...ports, oneAtATime });
            longestAwayMs = Math.max(longestAwayMs, awayMs);
            replaced += 1;
            done += 1;
            ports.onProgress(`users of node ${node.name}`, done, open.length);
          }),
        ),
      );
      stopIfAsked(ports);
      const failed = ends.find((end) => end.status === "rejected");
      if (failed !== undefined && round === MOST_ROUNDS) throw failed.reason;
    }
  }
  return { replaced, longestAwayMs };
}

const nothing = { former: [], ours: false } as const;

function stopIfAsked({ signal }: ImportPorts): void {
  if (signal.aborted) throw new ImportStoppedError();
}

function findRecords(keys: readonly LegacyKey[], { reader }: ImportPorts) {
  return reader.findMany(keys.map(({ id }) => id));
}

async function presentKeys(records: Awaited<ReturnType<typeof findRecords>>, { desired }: ImportPorts) {
  const [active, creating] = await Promise.all([desired.findDesired(), desired.findCreating()]);
  return { records, active, creating };
}
