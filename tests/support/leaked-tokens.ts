import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { keyIdOfToken } from "@veil/keys";

/** No test makes more keys than these. A text as long as a token stands for an id as small once in ten billion times. */
const LARGEST_KEY_ID = 1_000_000;
const CONTEXT_LENGTH = 60;

/**
 * Where tokens of subscriptions stand in a text, also percent-encoded: what is written before each of them. A token is known by
 * the key id that it carries, so that whoever looks need not have made the key.
 */
export function leakedTokens(text: string): string[] {
  const decoded = text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return [text, decoded].flatMap((read) =>
    [...read.matchAll(/(?<![0-9A-Za-z])[0-9A-Za-z]{33}(?![0-9A-Za-z])/g)]
      .filter(([word]) => (keyIdOfToken(word) ?? Number.POSITIVE_INFINITY) <= LARGEST_KEY_ID)
      .map(({ index }) => read.slice(Math.max(0, index - CONTEXT_LENGTH), index)),
  );
}

/** All that the programs of a data directory have logged. */
export async function logsOf(directory: string): Promise<string> {
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const logs = files.filter((file) => file.isFile() && /\.log(\.\d+)?$/.test(file.name));
  return (await Promise.all(logs.map((file) => readFile(join(file.parentPath, file.name), "utf8")))).join("\n");
}

/** The metrics of all services whose address a stack has printed; of those that don't answer there are none. */
export async function metricsOf(printed: string): Promise<string[]> {
  const urls = [...printed.matchAll(/http:\/\/\S+\/metrics/g)].map(([url]) => url);
  return Promise.all(
    urls.map((url) =>
      fetch(url).then(
        (answer) => answer.text(),
        () => "",
      ),
    ),
  );
}
