/** An app that takes a subscription by a link of its own kind. */
export interface AppLink {
  readonly name: string;
  readonly platforms: string;
  readonly href: string;
}

/**
 * The links that apps open themselves with. Those of sing-box and of mihomo's kin name the format, which is right for them
 * whatever their User-Agent says.
 */
export function appLinks(url: string, name: string): readonly AppLink[] {
  const encoded = encodeURIComponent(url);
  const title = encodeURIComponent(name.replace(/\p{Surrogate}/gu, "\uFFFD"));
  return [
    { name: "Happ", platforms: "iOS · Android · Windows · macOS", href: `happ://add/${url}` },
    { name: "Hiddify", platforms: "iOS · Android · Windows · macOS", href: `hiddify://import/${url}#${title}` },
    { name: "v2rayNG", platforms: "Android", href: `v2rayng://install-sub?url=${encoded}&name=${title}` },
    {
      name: "Clash Verge, FlClash",
      platforms: "Windows · macOS · Linux · Android",
      href: `clash://install-config?url=${encodeURIComponent(`${url}/mihomo`)}&name=${title}`,
    },
    {
      name: "sing-box",
      platforms: "iOS · Android · macOS",
      href: `sing-box://import-remote-profile?url=${encodeURIComponent(`${url}/sing-box`)}#${title}`,
    },
    {
      name: "Karing",
      platforms: "iOS · Android · Windows · macOS",
      href: `karing://install-config?url=${encoded}&name=${title}`,
    },
  ];
}
