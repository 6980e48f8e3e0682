/** The lifecycle of an access key: its phases, the decisions, the use cases over ports. Pure. */
export {};
