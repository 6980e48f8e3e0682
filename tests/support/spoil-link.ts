/** A link with one letter changed in each part, and with a flow that its key does not have; by what was done to it. */
export function spoiledLinks(link: string): Readonly<Record<string, string>> {
  const isVision = new URL(link).searchParams.has("flow");
  return {
    uuid: edited(link, (url) => {
      url.username = otherLetter(url.username, 0);
    }),
    ...Object.fromEntries(
      ["encryption", "sni", "fp", "pbk", "sid", ...(isVision ? ["flow"] : [])].map((name) => [
        name,
        edited(link, ({ searchParams }) => {
          const text = searchParams.get(name) ?? "";
          // Not the last letter: the last one of a key in base64 holds bits that nobody reads.
          searchParams.set(name, otherLetter(text, Math.floor(text.length / 2)));
        }),
      ]),
    ),
    ...(isVision
      ? { "flow left out": edited(link, ({ searchParams }) => searchParams.delete("flow")) }
      : {
          "flow=none": edited(link, ({ searchParams }) => searchParams.set("flow", "none")),
          "flow=xtls-rprx-vision": edited(link, ({ searchParams }) => searchParams.set("flow", "xtls-rprx-vision")),
        }),
  };
}

function edited(link: string, edit: (url: URL) => void): string {
  const url = new URL(link);
  edit(url);
  return url.href;
}

/** Hexadecimal digits stay hexadecimal digits, base64 stays base64. */
function otherLetter(text: string, index: number): string {
  return text.slice(0, index) + (text[index] === "a" ? "b" : "a") + text.slice(index + 1);
}
