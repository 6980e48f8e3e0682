/** Thrown when an archive is incomplete, or is none of ours. */
export class ArchiveDamagedError extends Error {
  override readonly name = "ArchiveDamagedError";
}
