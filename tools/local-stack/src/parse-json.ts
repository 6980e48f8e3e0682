/** The value of a JSON text; undefined for one that is none, as a file that was damaged. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
