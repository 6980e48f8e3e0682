/** The only mongoose import: schemas, indexes and stores. */
export {};
