const PREFIX = "import-";

/** What stands as the create job of a key that was brought in from elsewhere: its record is kept for good. */
export function importJobOf(keyId: number): string {
  return `${PREFIX}${keyId}`;
}

/** Matches the jobs of {@link importJobOf}. */
export const importJobs = new RegExp(`^${PREFIX}`);
