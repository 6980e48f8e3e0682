import type { PassRecord, PassResult } from "@veil/reconciler";
import type { Logger } from "@veil/runtime";
import type { PassLook } from "./pass-records.ts";

/** A database that is restored or moved to is whole again after that, or somebody knows of it. */
const SECOND_LOOK_MS = 60_000;

/** Whether a pass may remove or replace most users of a node, which are none of the database's. */
export class OrphanBrake {
  readonly #isOn: boolean;

  /** @param isOn whether a human has not yet said that the database is right */
  constructor(isOn: boolean) {
    this.#isOn = isOn;
  }

  /** With a human's word, and when a look a minute ago, by whichever process, saw the same. */
  isReleased({ now, last }: PassLook): boolean {
    const since = last?.brakedSince ?? null;
    return !this.#isOn && since !== null && now - since >= SECOND_LOOK_MS;
  }
}

/** Says it when passes over a node begin to leave it as it is, and when they go on. */
export function tellOfBrake(
  log: Pick<Logger, "error" | "info">,
  node: string,
  before: PassRecord | null,
  { braked, drift, mismatched }: Pick<PassResult, "braked" | "drift" | "mismatched">,
): void {
  const wasBraked = before !== null && before.brakedSince !== null;
  if (braked && !wasBraked) {
    log.error(
      { node, unknown: drift.unknown.length, mismatched },
      "most users of a node have no record in MongoDB, or one with another secret: it is left as it is until XRAY_ORPHAN_BRAKE=false says that the database is right",
    );
  }
  if (!braked && wasBraked) log.info({ node }, "the users of a node are reconciled again");
}
