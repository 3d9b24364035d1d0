import type { Database } from "bun:sqlite";
import { CodexError } from "#lib/errors.ts";
import { type ConnectOptions, connect, fileIdentity, type Opened } from "./connect.ts";
import { deservesSecondLook, stateError } from "./errors.ts";
import { heal } from "./heal.ts";
import { readTransaction, writeTransaction } from "./transaction.ts";

/**
 * The open database. Before each use it makes sure that its file is still the one at the path (another process may
 * have put a damaged one aside), and a database found damaged is replaced once and the work repeated on the new one.
 */
export class Connection {
  readonly #options: ConnectOptions;
  readonly #report: (notice: string) => void;
  #opened: Opened | undefined;
  #closed = false;

  constructor(options: ConnectOptions, report: (notice: string) => void) {
    this.#options = options;
    this.#report = report;
    this.#use(() => undefined);
  }

  /** One statement that needs no transaction around it. */
  query<T>(work: (db: Database) => T): T {
    return this.#use(work);
  }

  /** Several reads of one snapshot. */
  read<T>(work: (db: Database) => T): T {
    return this.#use((db) => readTransaction(db, () => work(db)));
  }

  /** One write transaction. */
  write<T>(work: (db: Database) => T): T {
    return this.#use((db) => writeTransaction(db, () => work(db)));
  }

  close(): void {
    this.#closed = true;
    this.#opened?.db.close();
    this.#opened = undefined;
  }

  #use<T>(work: (db: Database) => T): T {
    if (this.#closed) throw new CodexError("state_closed", `The state database "${this.#options.path}" is closed`);
    try {
      try {
        return work(this.#current());
      } catch (error) {
        if (!deservesSecondLook(error)) throw error;
        this.#drop();
        this.#opened = heal(this.#options, this.#report);
        return work(this.#opened.db);
      }
    } catch (error) {
      throw stateError(error, this.#options.path);
    }
  }

  #current(): Database {
    if (this.#opened !== undefined && this.#opened.identity !== fileIdentity(this.#options.path)) this.#drop();
    this.#opened ??= connect(this.#options);
    return this.#opened.db;
  }

  #drop(): void {
    this.#opened?.db.close();
    this.#opened = undefined;
  }
}
