import { createHash } from "node:crypto";
import type { Viewer } from "@veil/keys";

const MARK_LENGTH = 16;

/** The id of a job that can be asked for: it says whose it is, so that nothing need be read to tell. */
export function ownedJobId(jobKey: string, viewer: Viewer): string {
  return `${jobKey}${markOf(viewer)}`;
}

/** Whether a job of this id may be the caller's. To one with an owner all others are as good as unknown. */
export function seesJob(viewer: Viewer, jobId: string): boolean {
  return jobId.endsWith(markOf(viewer));
}

/** Owners are any text, so that their hash stands in the id. */
function markOf({ owner }: Viewer): string {
  return owner === null ? "" : `-${createHash("sha256").update(owner).digest("hex").slice(0, MARK_LENGTH)}`;
}
