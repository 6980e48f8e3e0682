import { join } from "node:path";
import { freshCopy, isInstalled, type MakeClient, OPENAPI_FILE, pythonGenerators, step } from "./generated-client.ts";

const NEEDED = "require 'GuzzleHttp/autoload.php'; exit(function_exists('mb_strlen') ? 0 : 1);";

/** OpenAPI Generator, with Guzzle on PHP's include path (Debian: php-cli, php-curl, php-mbstring, php-guzzlehttp-guzzle). */
export const makePhpClient: MakeClient = async () => {
  if (!(await isInstalled("php", ["-r", NEEDED]))) {
    return { missing: "PHP with Guzzle and mbstring" };
  }
  const programs = await pythonGenerators();
  if (programs === null) return { missing: "python3 with venv" };
  const home = await freshCopy("php");
  const options = ["-g", "php", "-i", OPENAPI_FILE, "-o", join(home, "api")];
  await step(join(programs, "openapi-generator-cli"), ["generate", ...options]);
  return { command: "php", args: [join(home, "client.php")] };
};
