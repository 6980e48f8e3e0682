import { type DeviceListBody, shownDevice } from "@veil/http-contract";
import { type JobResult, TOO_LATE } from "@veil/job-contract";
import { type Clock, type Device, type DeviceReader, devicesOf, hasForgotten, standingOf } from "@veil/keys";
import { DeviceNotFoundError, KeyNotFoundError } from "../errors.ts";
import { readWithin } from "../jobs/read-within.ts";
import { type PayloadStamp, planWriteJob, runWriteJob, type WritePorts } from "../jobs/run-write-job.ts";
import { notAppliedError } from "../jobs/write-jobs.ts";
import type { WriteLimits } from "../jobs/write-limits.ts";
import type { RequestScope, VisibleKeyReader } from "../ports.ts";

export interface ListDevicesPorts {
  readonly visibleKeys: Pick<VisibleKeyReader, "get">;
  readonly devices: DeviceReader;
  readonly clock: Pick<Clock, "now">;
}

/**
 * The devices of a key.
 *
 * @throws {KeyNotFoundError} when there is no such key
 * @throws {StoreUnavailableError} while the store is unavailable
 */
export async function listDevices(
  keyId: number,
  { visibleKeys, devices, clock }: ListDevicesPorts,
): Promise<DeviceListBody> {
  const [{ terms }, list] = await Promise.all([visibleKeys.get(keyId), devices.find(keyId)]);
  const found = devicesOf(list, terms);
  const now = Math.floor(clock.now() / 1_000);
  const isAllowed = ({ id }: Device) => standingOf(id, found, terms, now) === "allowed";
  return { devices: found.map((device) => shownDevice(device, isAllowed(device))), total: found.length };
}

export interface DeleteDevicesPorts extends WritePorts {
  readonly devices: DeviceReader;
}

/**
 * Deletes one device of a key, or all of them when none is named.
 *
 * @throws {KeyNotFoundError} when there is no such key; {@link DeviceNotFoundError} when it has no such device
 * @throws {WriteFailedError} when it was not done; {@link WriteUnavailableError} when it is worth trying again
 */
export async function deleteDevices(
  { keyId, deviceId }: { readonly keyId: number; readonly deviceId: string | null },
  scope: RequestScope,
  ports: DeleteDevicesPorts,
): Promise<void> {
  const operation = deviceId === null ? "deleteDevices" : "deleteDevice";
  const job = planWriteJob(operation, scope, ports);
  const payload = (stamp: PayloadStamp) => ({ key_id: keyId, device_id: deviceId, ...stamp });
  const onNoOutcome = (limits: WriteLimits) => readAgain(keyId, job.id, limits, ports);
  const result = await runWriteJob({ job, payload, onNoOutcome }, scope, ports);
  switch (result.outcome) {
    case "done":
      return;
    case "not-found":
      throw new KeyNotFoundError(keyId);
    case "unknown-device":
      throw new DeviceNotFoundError(deviceId ?? "");
    default:
      throw notAppliedError(operation, result);
  }
}

/** Without the worker's result: the list names the job that changed it. */
async function readAgain(
  keyId: number,
  job: string,
  limits: WriteLimits,
  ports: DeleteDevicesPorts,
): Promise<JobResult<"forget-devices">> {
  const list = await readWithin(() => ports.devices.find(keyId), "deleteDevices", limits, ports);
  return hasForgotten(list, job, ports.clock.now()) ? { outcome: "done" } : TOO_LATE;
}
