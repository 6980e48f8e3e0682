import { delimiter, join } from "node:path";
import { env } from "node:process";
import { freshCopy, type MakeClient, OPENAPI_FILE, pythonGenerators, step } from "./generated-client.ts";

/** openapi-python-client, with httpx. */
export const makePythonClient: MakeClient = async () => {
  const programs = await pythonGenerators();
  if (programs === null) return { missing: "python3 with venv" };
  const home = await freshCopy("python");
  const options = ["--path", OPENAPI_FILE, "--config", join(home, "config.yaml"), "--meta", "none"];
  const output = ["--output-path", join(home, "api")];
  // It formats what it makes with the ruff of its own installation.
  const PATH = `${programs}${delimiter}${env["PATH"] ?? ""}`;
  await step(join(programs, "openapi-python-client"), ["generate", "--fail-on-warning", ...options, ...output], {
    env: { ...env, PATH },
  });
  return { command: join(programs, "python"), args: [join(home, "client.py")] };
};
