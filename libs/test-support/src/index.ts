/** Fixtures on real engines for the tests. */
export {};
