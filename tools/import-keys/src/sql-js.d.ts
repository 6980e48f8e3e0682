/** The part of sql.js that is used here; the package has no types of its own. */
declare module "sql.js" {
  export type SqlValue = number | string | Uint8Array | null;

  export interface QueryResult {
    readonly columns: string[];
    readonly values: SqlValue[][];
  }

  export interface Database {
    exec(sql: string): QueryResult[];
    run(sql: string, parameters?: readonly SqlValue[]): void;
    export(): Uint8Array;
    close(): void;
  }

  export interface SqlJs {
    readonly Database: new (data?: Uint8Array) => Database;
  }

  export default function initSqlJs(): Promise<SqlJs>;
}
