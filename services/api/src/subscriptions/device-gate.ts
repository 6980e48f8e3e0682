import { GrowingLru, lastingFailure, type LastingFailure } from "@veil/runtime";
import { randomUUID } from "node:crypto";
import type { JobResult } from "@veil/job-contract";
import { QueueUnavailableError } from "@veil/job-queue";
import {
  type Clock,
  type DeviceLabels,
  type DeviceReader,
  deviceIdOf,
  type DeviceList,
  devicesOf,
  isInService,
  isRefusalToBeReported,
  isToBeNoted,
  type KeyRecord,
  MOST_DEVICES,
  MOST_REFUSALS_A_DAY,
  type SeenDevice,
  standingOf,
  tryRead,
} from "@veil/keys";
import type { Refusal } from "@veil/subscriptions";
import { askJob } from "../jobs/ask-job.ts";
import type { Jobs, Logger } from "../ports.ts";

/** The device that an app says it runs on. */
export interface PresentedDevice extends DeviceLabels {
  /** `x-hwid` as it was sent; null when it was not. */
  readonly hardwareId: string | null;
  /** Whether it may be registered: who only asks for headers gets no connections. */
  readonly registers: boolean;
}

/** A request that comes with a device. */
export interface DeviceArrival {
  readonly device: PresentedDevice;
  readonly requestId: string;
  readonly log: Logger;
}

export interface DeviceGateOptions {
  readonly devices: DeviceReader;
  readonly jobs: Jobs;
  readonly clock: Pick<Clock, "now">;
  /** Whether devices without an id get the connections of keys that have a limit. */
  readonly withoutId: "allow" | "refuse";
  readonly log: Logger;
  /** How long an answer waits for the registration of its device, in milliseconds. */
  readonly waitMs?: number;
}

/** Jobs of one key that nobody answered: they may be in the queue still. */
interface Unanswered {
  readonly asked: number;
  /** By the ids of the devices: when the last of their jobs comes to nothing, in milliseconds since the epoch. */
  readonly until: Map<string, number>;
}

/** The devices of a key; null where it has none, or none are to be read. */
type FoundDevices = DeviceList | "unreadable" | null;

type Registered = JobResult<"register-device">;

const WAIT_MS = 4_000;
/** A result that was not heard of is asked for in the time that is left. */
const HEARD_SHARE = 0.9;
/** Nobody waits for it any more; a device that could not be counted then is counted when the workers are back. */
const JOB_TTL_MS = 60_000;
/** That a device was there, or was refused, is asked to be noted once, also while the workers are away. */
const ASKED_AGAIN_AFTER_MS = 10 * 60_000;
const MOST_ASKED = 10_000;

/**
 * Decides which devices get a key's connections, and has new ones registered. It reads the store and nothing else: a known
 * device costs no job but for one an hour. Refusals are reported by the same jobs, as few as {@link isRefusalToBeReported}
 * allows and the store shows, and no more than that of one key within ten minutes while nobody works them off; nor are more
 * registrations of one asked for in that time than could find room. So whoever has a subscription's address and makes devices up
 * fills neither the queue nor the log.
 */
export class DeviceGate {
  readonly #options: DeviceGateOptions;
  readonly #asked = new GrowingLru<string, true>(MOST_ASKED, { ttl: ASKED_AGAIN_AFTER_MS });
  /** Ids of the devices whose refusal was asked to be reported, by their key. */
  readonly #refused = new GrowingLru<number, Set<string>>(MOST_ASKED, {
    ttl: ASKED_AGAIN_AFTER_MS,
    noUpdateTTL: true,
  });
  /** By their key and their id: an app that asks several times at once is registered by one job. */
  readonly #registering = new Map<number, Map<string, Promise<Registered | null>>>();
  /** By their key, what nobody answered within ten minutes. */
  readonly #unanswered = new GrowingLru<number, Unanswered>(MOST_ASKED, {
    ttl: ASKED_AGAIN_AFTER_MS,
    noUpdateTTL: true,
  });
  readonly #registrations: LastingFailure;

  constructor(options: DeviceGateOptions) {
    this.#options = options;
    this.#registrations = lastingFailure(options.log, "devices could not be registered or noted");
  }

  /** The devices of a key, for {@link refusalOf}: to be read beside the key. @throws {StoreUnavailableError} */
  async read(keyId: number, { hardwareId }: PresentedDevice): Promise<FoundDevices> {
    return hardwareId === null ? null : tryRead(() => this.#options.devices.find(keyId));
  }

  /**
   * Why a device gets no connections; null when it does. While it can't be registered, because Redis or the workers are
   * away, or the list makes no sense, it does.
   *
   * @param list the devices of the key as they were read
   */
  async refusalOf(key: KeyRecord, list: FoundDevices, arrival: DeviceArrival): Promise<Refusal | null> {
    const { keyId, terms } = key;
    const { hardwareId, registers, os, osVersion, model, userAgent } = arrival.device;
    const now = this.#options.clock.now();
    if (!isInService(terms, now)) return null;
    const id = hardwareId === null ? null : deviceIdOf(keyId, hardwareId);
    if (id === null) {
      return terms.deviceLimit !== null && this.#options.withoutId === "refuse" ? "device_id_missing" : null;
    }
    if (list === "unreadable") return null;
    const device: SeenDevice = { id, os, osVersion, model, userAgent };
    const devices = devicesOf(list, terms);
    const seconds = Math.floor(now / 1_000);
    const standing = standingOf(id, devices, terms, seconds);
    switch (standing) {
      case "new": {
        const result = registers ? await this.#register(key, device, arrival) : null;
        return result?.outcome === "refused" ? "device_limit" : null;
      }
      case "refused":
      case "unwelcome":
        if (registers && isRefusalToBeReported(id, list?.refusals ?? [], seconds)) this.#report(keyId, device, arrival);
        return "device_limit";
      default:
        if (registers && isToBeNoted(id, devices, seconds)) this.#note(keyId, device, arrival);
        return null;
    }
  }

  async #register({ keyId, terms }: KeyRecord, device: SeenDevice, arrival: DeviceArrival): Promise<Registered | null> {
    const ofKey = this.#registering.get(keyId) ?? new Map<string, Promise<Registered | null>>();
    const running = ofKey.get(device.id);
    if (running !== undefined) return running;
    const { asked = 0, until } = this.#unanswered.get(keyId) ?? {};
    if ((until?.get(device.id) ?? 0) > this.#options.clock.now()) return null;
    // More than could be registered: so many come only where somebody makes them up.
    if (ofKey.size + asked >= Math.max(MOST_DEVICES, terms.deviceLimit ?? 0))
      return { outcome: terms.deviceLimit === null ? "uncounted" : "refused" };
    const begun = this.#submit(keyId, device, arrival.requestId).finally(() => {
      ofKey.delete(device.id);
      if (ofKey.size === 0) this.#registering.delete(keyId);
    });
    ofKey.set(device.id, begun);
    this.#registering.set(keyId, ofKey);
    return begun;
  }

  #report(keyId: number, device: SeenDevice, arrival: DeviceArrival): void {
    const ofKey = this.#refused.get(keyId) ?? new Set<string>();
    if (ofKey.has(device.id) || ofKey.size >= MOST_REFUSALS_A_DAY) return;
    this.#refused.set(keyId, ofKey.add(device.id));
    this.#submitUnheard(keyId, device, arrival);
  }

  /** Nobody waits for it. */
  #note(keyId: number, device: SeenDevice, arrival: DeviceArrival): void {
    const name = `${keyId} ${device.id}`;
    if (this.#asked.has(name)) return;
    this.#asked.set(name, true);
    this.#submitUnheard(keyId, device, arrival);
  }

  #submitUnheard(keyId: number, device: SeenDevice, arrival: DeviceArrival): void {
    const { log } = arrival;
    this.#submit(keyId, device, arrival.requestId).catch((err: unknown) =>
      log.error({ err }, "a device could not be noted"),
    );
  }

  /** @returns null when there is no result in time */
  async #submit(keyId: number, device: SeenDevice, requestId: string): Promise<Registered | null> {
    const { jobs, clock, waitMs = WAIT_MS } = this.#options;
    const jobId = `device-${randomUUID()}`;
    const payload = { key_id: keyId, device, deadline: clock.now() + JOB_TTL_MS, request_id: requestId };
    const asked = await askJob(
      { name: "register-device", jobId, payload, waitMs, heardMs: waitMs * HEARD_SHARE },
      jobs,
    );
    if (asked.state === "finished") {
      // Whoever answers works off what waits.
      this.#unanswered.clear();
      this.#registrations.onSuccess();
      return asked.result;
    }
    const unheard = asked.state === "unasked" ? asked.err : new Error(`a job without a result: ${asked.state}`);
    this.#registrations.onError(unheard);
    const isSurelyUnasked = unheard instanceof QueueUnavailableError && !unheard.mayHaveHappened;
    if (!isSurelyUnasked) this.#remain(keyId, device.id, payload.deadline);
    return null;
  }

  #remain(keyId: number, id: string, deadline: number): void {
    const { asked, until } = this.#unanswered.get(keyId) ?? { asked: 0, until: new Map<string, number>() };
    this.#unanswered.set(keyId, { asked: asked + 1, until: until.set(id, deadline) });
  }
}
