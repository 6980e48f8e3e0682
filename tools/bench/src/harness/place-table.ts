const begin = (name: string) => `<!-- bench ${name}: begin -->`;
const end = (name: string) => `<!-- bench ${name}: end -->`;

/**
 * Puts a table between its two markers in a page; what stood there goes.
 *
 * @throws {Error} when the page has no such markers
 */
export function placeTable(page: string, name: string, table: string): string {
  const from = page.indexOf(begin(name));
  const to = page.indexOf(end(name));
  if (from < 0 || to < from) throw new Error(`the page has no place for a table named ${name}`);
  return `${page.slice(0, from + begin(name).length)}\n${table}\n${page.slice(to)}`;
}
