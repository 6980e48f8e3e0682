import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { isOfSameWrite } from "@veil/idempotency";
import { itemJobId, type JobResult, orTooLate } from "@veil/job-contract";
import {
  batchItemJob,
  ChangeRefusedError,
  changeTerms,
  filterOf,
  type DevicePorts,
  firstTerms,
  forgetDevices,
  type KeyChange,
  type KeyFilter,
  type KeyRecord,
  type NodeSighting,
  nextResetAfter,
  olderSubscriptionToken,
  type OwnedExternalId,
  registerDevices,
  hasChangeOf,
  isMadeBy,
  sees,
  SEES_ALL,
  statusOf,
  subscriptionToken,
  termsAt,
  type TrafficBytes,
  type Viewer,
  withChange,
} from "@veil/keys";
import { InMemoryDeviceLease, InMemoryDevices, InMemoryKeyBatches } from "@veil/keys/testing";
import { changeToken, createToken, deleteToken } from "@veil/tokens";
import { SYSTEM } from "@veil/events";
import { InMemoryEventLog, noHints, someEvent } from "@veil/events/testing";
import { InMemoryTokens } from "@veil/tokens/testing";
import { EventFeed } from "../../src/events/event-feed.ts";
import {
  changed as changedNode,
  changeFleet,
  type ChangeStamp,
  disabled,
  drained,
  ended,
  entered,
  type Fleet,
  type FleetChange,
  hostChanged,
  hostDeleted,
  hostPut,
  type NodePass,
} from "@veil/nodes";
import { InMemoryFleet, someNode } from "@veil/nodes/testing";
import { InMemoryNodeLivesStore } from "@veil/traffic/testing";
import { changeWebhook, createWebhook, deleteWebhook } from "@veil/webhooks";
import { InMemoryEvents, InMemoryWebhooks } from "@veil/webhooks/testing";
import type { LinkFault } from "../../src/link-faults.ts";
import type { KeyPage, KeyReader, RequestedAttributes, TrafficFigures, TrafficReader } from "../../src/ports.ts";
import { finished, InMemoryJobs, type JobScripts } from "./in-memory-jobs.ts";

/** A key's id, and the owner of whoever means it. */
type SeenKey = Viewer & Pick<KeyRecord, "keyId">;

const NOTHING = { upload: 0, download: 0 } as const;

/**
 * Worker, collector and MongoDB in one process, for the failures that real ones can't be made to show on cue.
 * By default every job succeeds at once.
 */
export class InMemoryPlane {
  /** Ids only grow, so the order of insertion is that of the ids. */
  readonly keys = new Map<number, KeyRecord>();
  readonly traffic = new Map<number, TrafficFigures>();
  /** From where keys are connected to the one node. */
  readonly addresses = new Map<number, string[]>();
  readonly batches = new InMemoryKeyBatches();
  readonly tokens = new InMemoryTokens();
  readonly devices = new InMemoryDevices();
  readonly events = new InMemoryEventLog();
  readonly feed = new EventFeed(this.events, { mostStreams: 4, mostOfOne: 3, lookAfterMs: 50 });
  readonly webhooks = new InMemoryWebhooks();
  /** The fleet of the beginning, as an API knows it that has not looked since. */
  readonly knownFleet: Fleet = { revision: 1, nodes: [someNode("main")], hosts: [] };
  readonly fleet = new InMemoryFleet(this.knownFleet);
  /** When workers last reached each node, and collectors last read it. */
  readonly sightings = new Map<string, NodeSighting>();
  readonly passes = new Map<string, NodePass>();
  readonly linkFaults: LinkFault[] = [];
  readonly lives = new InMemoryNodeLivesStore();
  readonly jobs = new InMemoryJobs(this.#scripts());
  /** Runs before every read of the store; throwing makes it fail. */
  beforeRead: () => Promise<void> = async () => undefined;

  readonly #resets: { readonly job: string; readonly result: JobResult<"reset-traffic"> }[] = [];

  readonly #tokenPorts = { tokens: this.tokens, hints: noHints, now: Date.now };
  readonly #webhookPorts = { webhooks: this.webhooks, events: new InMemoryEvents(), now: Date.now };

  readonly #devicePorts: DevicePorts = {
    devices: this.devices,
    keys: { find: async (keyId) => this.keys.get(keyId) ?? null },
    lease: new InMemoryDeviceLease(),
    clock: Date,
    hints: noHints,
  };

  readonly keyReader: KeyReader = {
    find: async (keyId) => {
      await this.beforeRead();
      return this.keys.get(keyId) ?? null;
    },
    findByCreateJob: async (job) => {
      await this.beforeRead();
      return [...this.keys.values()].find((key) => key.job === job) ?? null;
    },
    findMany: async (keyIds) => {
      await this.beforeRead();
      return new Map([...this.keys].filter(([keyId]) => keyIds.includes(keyId)));
    },
    findByCreateJobs: async (jobs) => {
      await this.beforeRead();
      return new Map([...this.keys.values()].filter(({ job }) => jobs.includes(job)).map((key) => [key.job, key]));
    },
    findByUuid: async (uuid) => {
      await this.beforeRead();
      return [...this.keys.values()].find((key) => key.uuid === uuid) ?? null;
    },
    findByExternalId: async (id) => {
      await this.beforeRead();
      return this.#byExternalId(id) ?? null;
    },
    listDue: () => this.#listActive(),
    listActive: (page) => this.#listActive(page),
    listActiveIds: (page) => this.#listActive(page),
    activeAmong: async (keyIds, viewer) => {
      await this.beforeRead();
      return new Set(keyIds.filter((keyId) => this.#seen(keyId, viewer) !== null));
    },
    keptAmong: async (keyIds) => {
      await this.beforeRead();
      return new Set(keyIds.filter((keyId) => this.#seen(keyId, SEES_ALL) !== null));
    },
    listKeptIds: () => this.#listKeptIds(),
    countActive: async (filter) => {
      await this.beforeRead();
      return this.#fitting(filter).length;
    },
    summarize: async (filter) => {
      await this.beforeRead();
      const byStatus = { active: 0, on_hold: 0, limited: 0, expired: 0, disabled: 0 };
      const byGroup = new Map<string, number>();
      for (const { terms } of this.#fitting(filter)) {
        byStatus[statusOf(terms, filter.at)] += 1;
        for (const group of terms.groups) byGroup.set(group, (byGroup.get(group) ?? 0) + 1);
      }
      return { byStatus, byGroup };
    },
  };

  readonly #selecting = { keys: this.keyReader, online: () => this.trafficReader.online(Date.now()) };

  readonly trafficReader: TrafficReader = {
    find: async (keyId) => {
      await this.beforeRead();
      return this.traffic.get(keyId) ?? null;
    },
    findMany: async (keyIds) => {
      await this.beforeRead();
      return new Map([...this.traffic].filter(([keyId]) => keyIds.includes(keyId)));
    },
    online: async (now) => {
      await this.beforeRead();
      const since = now / 1_000 - 60;
      return [...this.traffic].filter(([, { lastCountedAt }]) => (lastCountedAt ?? 0) > since).map(([keyId]) => keyId);
    },
    usage: async (keyId, { from, to, step }) => {
      await this.beforeRead();
      const seconds = step === "hour" ? 3_600 : 86_400;
      const first = Math.floor(from / seconds);
      const length = Math.max(0, Math.ceil(to / seconds) - first);
      const { upload, download } = this.traffic.get(keyId)?.lifetime ?? NOTHING;
      // All of it in the last hour or day.
      return Array.from({ length }, (_, index) => {
        const moved = index === length - 1 ? { upload, download } : NOTHING;
        return { at: (first + index) * seconds, ...moved };
      });
    },
    usageOfKeys: async (groups, range) => {
      let sum = (await this.trafficReader.usage(0, range)).map((one) => ({ ...one }));
      for await (const group of groups) {
        for (const keyId of group) {
          const more = await this.trafficReader.usage(keyId, range);
          sum = sum.map(({ at, upload, download }, index) => ({
            at,
            upload: upload + (more[index]?.upload ?? 0),
            download: download + (more[index]?.download ?? 0),
          }));
        }
      }
      return sum;
    },
    usageOfAll: (range) => this.trafficReader.usage(Math.max(...this.traffic.keys()), range),
  };

  /** Decides a key, as the worker does for a create job. */
  addKey(key: Partial<KeyRecord> = {}): KeyRecord {
    const keyId = key.keyId ?? Math.max(0, ...this.keys.keys()) + 1;
    const createdAt = key.createdAt ?? Math.floor(Date.now() / 1_000);
    const uuid = key.uuid ?? randomUUID();
    const added: KeyRecord = {
      flow: "",
      keyId,
      uuid,
      name: null,
      owner: null,
      createdAt,
      token: olderSubscriptionToken(keyId, uuid),
      terms: firstTerms({}, { createdAt, nextResetAt: null }),
      changedBy: [],
      changedAt: [],
      outbox: [],
      job: `create-${randomUUID()}`,
      phase: "active",
      activated: true,
      cancelled: false,
      deleter: null,
      indeterminate: [],
      ...key,
    };
    this.keys.set(keyId, added);
    return added;
  }

  async *#listActive({
    after = 0,
    limit = Number.POSITIVE_INFINITY,
    filter,
    shows = () => true,
  }: KeyPage = {}): AsyncGenerator<readonly KeyRecord[]> {
    await this.beforeRead();
    yield this.#fitting(filter)
      .filter((key) => key.keyId > after && shows(key))
      .slice(0, limit);
  }

  #fitting(filter?: KeyFilter): KeyRecord[] {
    const active = [...this.keys.values()].filter(({ phase }) => phase === "active");
    if (filter === undefined) return active;
    const { at, status, tag, group, name, expiresBefore, expiresAfter, owner, keyIds, exceptKeyIds = [] } = filter;
    return active.filter((key) => {
      const { terms } = key;
      if (owner !== undefined && key.owner !== owner) return false;
      if (status !== undefined && statusOf(terms, at) !== status) return false;
      if (tag !== undefined && terms.tag !== tag) return false;
      if (group !== undefined && !terms.groups.includes(group)) return false;
      if (name !== undefined && key.name !== name) return false;
      if (expiresBefore !== undefined && !(terms.expiresAt !== null && terms.expiresAt < expiresBefore)) return false;
      if (expiresAfter !== undefined && !(terms.expiresAt !== null && terms.expiresAt > expiresAfter)) return false;
      if (exceptKeyIds.includes(key.keyId)) return false;
      return keyIds === undefined || keyIds.includes(key.keyId);
    });
  }

  #byExternalId({ externalId, owner }: OwnedExternalId): KeyRecord | undefined {
    return [...this.keys.values()].findLast((key) => key.terms.externalId === externalId && key.owner === owner);
  }

  async *#listKeptIds(): AsyncGenerator<readonly number[]> {
    for await (const group of this.#listActive()) yield group.map(({ keyId }) => keyId);
  }

  #seen(keyId: number, viewer: Viewer): KeyRecord | null {
    const key = this.keys.get(keyId);
    return key?.phase === "active" && sees(viewer, key) ? key : null;
  }

  #create({ name, owner, terms: chosen }: RequestedAttributes, job: string) {
    const made = [...this.keys.values()].find((key) => key.job === job);
    if (made !== undefined) return { outcome: "created", key: made } as const;
    const { externalId = null } = chosen;
    if (externalId !== null && this.#byExternalId({ externalId, owner })?.phase === "active") {
      return { outcome: "taken", detail: `external_id ${externalId} is taken` } as const;
    }
    const createdAt = Math.floor(Date.now() / 1_000);
    const calendar = { reset: chosen.trafficReset ?? "none", anchor: createdAt, timeZone: "UTC" } as const;
    const terms = firstTerms(chosen, { createdAt, nextResetAt: nextResetAfter(createdAt, calendar) });
    const key = this.addKey({ name, owner, terms, createdAt, job });
    this.#log(key);
    return { outcome: "created", key } as const;
  }

  /** Says that a key was made, as the worker does a moment later. */
  #log({ keyId, owner, name, terms }: KeyRecord): void {
    const data = { key: { key_id: keyId, name, external_id: terms.externalId } };
    const event = someEvent({ type: "key.created", subject: `key:${keyId}`, keyId, owner, data });
    this.events.events.push({ ...event, seq: this.events.events.length + 1 });
  }

  #change({ keyId, owner }: SeenKey, change: KeyChange, job: string, ifRevision: number | null) {
    const key = this.#seen(keyId, { owner });
    if (key === null) return { outcome: "not-found" } as const;
    if (hasChangeOf(key, job, Date.now())) return { outcome: "changed", key, is_changed: true } as const;
    if (ifRevision !== null && termsAt(key.terms, Date.now()).revision !== ifRevision)
      return { outcome: "outdated" } as const;
    const { name, revokeLink = false, revokeCredentials = false, ...ofTerms } = change;
    const isMore = revokeLink || revokeCredentials || (name !== undefined && name !== key.name);
    const { lifetime, reset } = this.traffic.get(keyId) ?? figuresOf({ upload: 0, download: 0 });
    try {
      const terms = changeTerms(key.terms, ofTerms, { now: Date.now(), lifetime, reset, timeZone: "UTC" }, isMore);
      const changed: KeyRecord = {
        ...key,
        terms,
        name: name === undefined ? key.name : name,
        uuid: revokeCredentials ? randomUUID() : key.uuid,
        token: revokeLink ? subscriptionToken(keyId, Buffer.from(randomUUID().repeat(2))) : key.token,
        ...withChange(key, job, Date.now()),
      };
      this.keys.set(keyId, changed);
      return { outcome: "changed", key: changed, is_changed: terms !== key.terms } as const;
    } catch (error) {
      if (!(error instanceof ChangeRefusedError)) throw error;
      return { outcome: "refused", detail: error.message } as const;
    }
  }

  #put(
    { externalId, owner }: OwnedExternalId,
    { name, terms = {} }: Partial<RequestedAttributes>,
    job: string,
    ifRevision?: number | "any",
  ) {
    const key = this.#byExternalId({ externalId, owner });
    if (key?.phase === "active" && isMadeBy(key, job, Date.now())) return { outcome: "created", key } as const;
    if (key?.phase !== "active") {
      if (ifRevision !== undefined) return { outcome: "outdated" } as const;
      return this.#create({ name: name ?? null, owner, terms: { ...terms, externalId } }, job);
    }
    const end = this.#change(
      { keyId: key.keyId, owner },
      { set: terms, ...(name !== undefined && { name }) },
      job,
      typeof ifRevision === "number" ? ifRevision : null,
    );
    if (end.outcome === "not-found") throw new Error("the key is there");
    return end;
  }

  async #changeFleet(job: string, change: (fleet: Fleet, stamp: ChangeStamp) => FleetChange) {
    const end: { last: FleetChange } = { last: { outcome: "not-found" } };
    const update = (fleet: Fleet) => {
      end.last = change(fleet, { job, now: Date.now() });
      return end.last.outcome === "changed" ? end.last : null;
    };
    await changeFleet(this.fleet, update, noHints);
    const { last } = end;
    const isChanged = last.outcome === "changed" || last.outcome === "done";
    return finished<"change-node">(isChanged ? { outcome: "changed" } : last);
  }

  #delete({ keyId, owner }: SeenKey, job: string) {
    const key = this.keys.get(keyId);
    if (key !== undefined && !sees({ owner }, key)) return { outcome: "not-found" } as const;
    if (key?.phase !== "active") return { outcome: key?.deleter === job ? "deleted" : "not-found" } as const;
    this.keys.set(keyId, { ...key, phase: "gone", deleter: job });
    this.traffic.delete(keyId);
    return { outcome: "deleted" } as const;
  }

  #cancel(job: string): void {
    for (const key of this.keys.values()) {
      if (key.job === job) this.keys.set(key.keyId, { ...key, phase: "gone", cancelled: true });
    }
  }

  #scripts(): JobScripts {
    return {
      "create-key": ({ key }, job) => finished<"create-key">(this.#create(key, job)),
      "create-keys": ({ keys }, job) => {
        const items = keys.map((requested, index) => this.#create(requested, itemJobId(job, index)));
        return finished<"create-keys">({ outcome: "done", items });
      },
      "cancel-creation": ({ job }) => {
        this.#cancel(job);
        return finished<"cancel-creation">({ outcome: "cancelled" });
      },
      "cancel-creations": ({ jobs }) => {
        for (const job of jobs) this.#cancel(job);
        return finished<"cancel-creations">({ outcome: "cancelled" });
      },
      "change-key": ({ key_id: keyId, owner, change, if_revision }, job) =>
        finished<"change-key">(this.#change({ keyId, owner }, change, job, if_revision)),
      "update-keys": async ({ keys, owner, change }, job) => {
        const filter = "filter" in keys ? await filterOf(keys.filter, { owner }, Date.now(), this.#selecting) : null;
        const keyIds = "key_ids" in keys ? keys.key_ids : this.#fitting(filter ?? undefined).map(({ keyId }) => keyId);
        await this.batches.begin({ job, owner, change: "" }, Readable.from(keyIds.length === 0 ? [] : [keyIds]));
        const ends = keyIds.map((keyId) => ({
          keyId,
          end: this.#change({ keyId, owner }, change, batchItemJob(job, keyId), null),
        }));
        const failed = ends.filter(({ end }) => end.outcome !== "changed");
        const batch = await this.batches.find(job);
        if (batch !== null) {
          const errors = failed.map(({ keyId }) => ({ keyId, detail: `Key with id ${keyId} not found` }));
          await this.batches.advance(batch, { done: keyIds.length - failed.length, errors });
        }
        return finished<"update-keys">({ outcome: "begun" });
      },
      "put-key": ({ external_id: externalId, owner, name, terms, if_revision: seen }, job) =>
        finished<"put-key">(
          this.#put({ externalId, owner }, { terms, ...(name !== undefined && { name }) }, job, seen),
        ),
      "delete-key": ({ key_id: keyId, owner }, job) => finished<"delete-key">(this.#delete({ keyId, owner }, job)),
      "delete-keys": ({ key_ids, owner }, job) => {
        const items = key_ids.map((keyId, index) => this.#delete({ keyId, owner }, itemJobId(job, index)));
        return finished<"delete-keys">({ outcome: "done", items });
      },
      "create-token": async ({ token, deadline }, job) =>
        finished<"create-token">(await orTooLate(createToken({ token, deadline, job }, this.#tokenPorts))),
      "change-token": async ({ token_id: id, giver, change, deadline }, job) =>
        finished<"change-token">(await orTooLate(changeToken({ id, giver, change, deadline, job }, this.#tokenPorts))),
      "delete-token": async ({ token_id: id, giver, deadline }) =>
        finished<"delete-token">(
          await orTooLate(deleteToken({ id, giver, deadline, redelivered: false }, this.#tokenPorts)),
        ),
      "register-device": async ({ key_id: keyId, device, deadline, request_id: requestId }) => {
        const arrivals = [{ device, requestId }];
        const [result] = await registerDevices({ ...SEES_ALL, keyId, deadline, arrivals }, this.#devicePorts);
        return finished<"register-device">(result ?? { outcome: "not-found" });
      },
      "forget-devices": async ({ key_id: keyId, device_id: deviceId, owner, deadline }, job) =>
        finished<"forget-devices">(await forgetDevices({ keyId, deviceId, owner, deadline, job }, this.#devicePorts)),
      "create-webhook": async ({ webhook, deadline }, job) =>
        finished<"create-webhook">(await orTooLate(createWebhook({ webhook, deadline, job }, this.#webhookPorts))),
      "change-webhook": async ({ webhook_id: id, owner, change, deadline }, job) =>
        finished<"change-webhook">(
          await orTooLate(changeWebhook({ id, owner, change, deadline, job }, this.#webhookPorts)),
        ),
      "delete-webhook": async ({ webhook_id: id, owner, deadline }) =>
        finished<"delete-webhook">(
          await orTooLate(deleteWebhook({ id, owner, deadline, redelivered: false }, this.#webhookPorts)),
        ),
      "test-webhook": async ({ webhook_id: id, owner }) => {
        const found = await this.webhooks.find(id);
        return finished<"test-webhook">(
          found === null || (owner !== null && found.owner !== owner)
            ? { outcome: "not-found" }
            : { outcome: "refused", detail: "The receiver answered 500" },
        );
      },
      "create-node": async ({ node }, job) => this.#changeFleet(job, (fleet, stamp) => entered(fleet, node, stamp)),
      "change-node": async ({ name, change }, job) =>
        this.#changeFleet(job, (fleet, stamp) => changedNode(fleet, name, change, stamp)),
      "drain-node": async ({ name, is_drained: isDrained }, job) =>
        this.#changeFleet(job, (fleet, stamp) => drained(fleet, name, isDrained, { ...stamp, actor: SYSTEM })),
      "delete-node": async ({ name }, job) => {
        const end = await this.#changeFleet(job, (fleet, stamp) => disabled(fleet, name, stamp));
        await changeFleet(this.fleet, (fleet) => ended(fleet, name, Date.now()), noHints);
        const isFound = end.state === "finished" && end.result.outcome === "changed";
        return finished<"delete-node">({ outcome: isFound ? "deleted" : "not-found" });
      },
      "put-host": ({ host, may_make: mayMake }, job) =>
        this.#changeFleet(job, (fleet, stamp) => hostPut(fleet, host, mayMake, stamp)),
      "change-host": ({ host_id: id, change }, job) =>
        this.#changeFleet(job, (fleet, stamp) => hostChanged(fleet, id, change, stamp)),
      "delete-host": ({ host_id: id }, job) => this.#changeFleet(job, (fleet) => hostDeleted(fleet, id)),
      "read-node": () => finished<"read-node">({ outcome: "read" }),
      "deliver-events": () => finished<"deliver-events">({ outcome: "idle" }),
      "repeat-delivery": () => finished<"repeat-delivery">({ outcome: "gone" }),
      "refresh-traffic": ({ key_id }) => {
        const figures = this.traffic.get(key_id);
        if (figures === undefined) return finished<"refresh-traffic">({ outcome: "stale" });
        const { upload, download } = countedOf(figures);
        return finished<"refresh-traffic">({ outcome: "fresh", upload, download, last_updated: figures.lastUpdated });
      },
      "read-online": ({ key_id }) => {
        const addresses = this.addresses.get(key_id) ?? [];
        return finished<"read-online">({ outcome: "read", nodes: [{ name: "main", state: "read", addresses }] });
      },
      "count-online": async () => {
        const connected = [...this.addresses].filter(([, { length }]) => length > 0).map(([keyId]) => keyId);
        const online = new Set([...connected, ...(await this.trafficReader.online(Date.now()))]).size;
        const nodes = [{ name: "main", state: "read" as const, online: connected.length }];
        return finished<"count-online">({ outcome: "counted", online, nodes });
      },
      "reset-traffic": ({ key_id, owner, counted_from }, job) => {
        const echo = { ...(counted_from !== undefined && { counted_from }) };
        const earlier = this.#resets.find((reset) => isOfSameWrite(reset.job, job));
        if (earlier !== undefined) return finished<"reset-traffic">({ ...earlier.result, ...echo });
        if (this.#seen(key_id, { owner }) === null) return finished<"reset-traffic">({ outcome: "not-found" });
        const figures = this.traffic.get(key_id) ?? figuresOf({ upload: 0, download: 0 });
        const { upload, download } = countedOf(figures);
        this.traffic.set(key_id, { ...figures, reset: figures.lifetime, lastUpdated: Math.floor(Date.now() / 1_000) });
        const result = {
          ...{ outcome: "reset" as const, previous_upload: upload, previous_download: download },
          ...{ reset_upload: figures.lifetime.upload, reset_download: figures.lifetime.download },
        };
        this.#resets.push({ job, result });
        return finished<"reset-traffic">({ ...result, ...echo });
      },
      "sync-traffic": ({ owner }) => {
        const active = [...this.keys.keys()].filter((keyId) => this.#seen(keyId, { owner }) !== null);
        return finished<"sync-traffic">({ outcome: "synced", updated: active.length, errors: 0 });
      },
    };
  }
}

/** Figures of a key that was never reset. */
export function figuresOf(lifetime: TrafficBytes, lastUpdated = Math.floor(Date.now() / 1_000)): TrafficFigures {
  const reset = { upload: 0, download: 0 };
  return { lifetime, reset, lastUpdated, firstCountedAt: null, lastCountedAt: null };
}

function countedOf({ lifetime, reset }: TrafficFigures): TrafficBytes {
  return { upload: lifetime.upload - reset.upload, download: lifetime.download - reset.download };
}
