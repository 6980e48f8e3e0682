/** `npm start`: the whole system on this machine, supervised. */
export {};
