/** What a VPN protocol says of a key: its account and its share link. Pure. */
export {};
