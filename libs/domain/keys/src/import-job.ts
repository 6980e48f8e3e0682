const PREFIX = "import-";

/** The create job that the record of an imported key names: such a record is kept for good. */
export function importJobOf(keyId: number): string {
  return `${PREFIX}${keyId}`;
}

/** Matches the jobs of {@link importJobOf}. */
export const importJobs = new RegExp(`^${PREFIX}`);
