import type { JobHandlers } from "@veil/job-queue";
import {
  type ArrivingDevice,
  type DevicePorts,
  forgetDevices,
  registerDevices,
  type RegisterDeviceResult,
  SEES_ALL,
} from "@veil/keys";
import { CoalescedCalls } from "@veil/runtime";
import { orUnreadable } from "./or-unreadable.ts";

export type DeviceJobHandlers = Pick<JobHandlers<"veil-keys">, "register-device" | "forget-devices">;

/** Handles each job on devices. */
export function deviceJobHandlers(ports: DevicePorts): DeviceJobHandlers {
  const registrar = new DeviceRegistrar(ports);
  return {
    "register-device": ({ key_id: keyId, device, deadline, request_id: requestId }) =>
      registrar.register(keyId, { device, requestId, deadline }),
    "forget-devices": ({ key_id: keyId, device_id: deviceId, owner, deadline }, { jobId: job }) =>
      orUnreadable("device list", () => forgetDevices({ keyId, job, deviceId, owner, deadline }, ports)),
  };
}

interface Arrival extends ArrivingDevice {
  readonly deadline: number;
}

interface OpenKey {
  readonly calls: CoalescedCalls<Arrival, RegisterDeviceResult>;
  /** How many arrivals wait for an answer. */
  waiting: number;
}

/** More than one list holds. */
const LARGEST_BATCH = 1_000;
/** In effect never: a second batch would wait for the same lease. */
const LONGEST_WAIT_MS = 60_000;

/** Registers devices of one key that come at once by one write: each alone would wait for the lease of the one before. */
class DeviceRegistrar {
  readonly #ports: DevicePorts;
  readonly #open = new Map<number, OpenKey>();

  constructor(ports: DevicePorts) {
    this.#ports = ports;
  }

  async register(keyId: number, arrival: Arrival): Promise<RegisterDeviceResult> {
    const key = this.#open.get(keyId) ?? { calls: this.#callsOf(keyId), waiting: 0 };
    this.#open.set(keyId, key);
    key.waiting += 1;
    try {
      return await key.calls.ask(arrival);
    } finally {
      key.waiting -= 1;
      if (key.waiting === 0) this.#open.delete(keyId);
    }
  }

  #callsOf(keyId: number): OpenKey["calls"] {
    const carryOut = (arrivals: readonly Arrival[]) => {
      // One that came too late does no harm, and must not keep the others out.
      const deadline = Math.max(...arrivals.map((arrival) => arrival.deadline));
      return registerDevices({ ...SEES_ALL, keyId, deadline, arrivals }, this.#ports);
    };
    return new CoalescedCalls(carryOut, { largest: LARGEST_BATCH, longestWaitMs: LONGEST_WAIT_MS });
  }
}
