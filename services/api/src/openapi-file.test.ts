import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { openApiDocument } from "@veil/http-contract";
import { readPackageVersion } from "@veil/runtime";
import { expect, it } from "vitest";

const run = promisify(execFile);
const repoRoot = new URL("../../../", import.meta.url).pathname;
const file = `${repoRoot}docs/openapi.json`;

it("is the same in docs/openapi.json as in the code; `npx vitest run --project unit openapi-file -u` writes it anew", async () => {
  const document = openApiDocument(readPackageVersion(import.meta.url));
  await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot(file);
});

/** That a key id is never `by-external-id`, and an external id may be `link`, the rule can't know: the former path comes first. */
const OWN_PATHS = "--skip-rule=no-ambiguous-paths";

it("is valid and complete by redocly's recommended rules", async () => {
  const { stdout } = await run(
    process.execPath,
    [`${repoRoot}node_modules/.bin/redocly`, "lint", file, "--extends=recommended", OWN_PATHS, "--format=json"],
    { env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" } },
  );
  expect(JSON.parse(stdout)).toMatchObject({ totals: { errors: 0, warnings: 0 }, problems: [] });
});
