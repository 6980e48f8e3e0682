import { readFileSync } from "node:fs";
import { z } from "zod";

const packageFile = z.object({ version: z.string() });

/**
 * The version in the package.json of the package whose `src/` or `dist/` holds the calling module.
 * @param moduleUrl `import.meta.url` of a module directly in that folder.
 * @throws when there is no such package.json or it has no version.
 */
export function readPackageVersion(moduleUrl: string): string {
  const file = readFileSync(new URL("../package.json", moduleUrl), "utf8");
  return packageFile.parse(JSON.parse(file)).version;
}
