import { GLOBAL, type Operation, type Outcome, STAGE_ONE } from "./operations.ts";
import type { SeededRandom } from "./random.ts";

interface Held {
  threadId: string;
  token: string;
}

/** What one worker has in mind: the jobs it owns, or once owned, and how wrong its clock is. */
export class Client {
  readonly slot: number;
  readonly #random: SeededRandom;
  readonly #cap: number;
  #held: Held[] = [];
  /** Jobs it went silent about: it comes back to them late, when they may be another's. */
  #late: Held[] = [];
  #global: string | undefined;
  #lateGlobal: string | undefined;
  #offset: number;
  #claims = 0;

  constructor(slot: number, random: SeededRandom, cap: number) {
    this.slot = slot;
    this.#random = random;
    this.#cap = cap;
    this.#offset = random.int(-90, 90);
  }

  /** The next thing to do at the common time `base`. */
  choose(base: number): Operation {
    const random = this.#random;
    if (random.chance(0.08)) this.#offset = random.int(-4000, 4000);
    const now = base + this.#offset;
    this.#goSilent();
    const roll = random.next();
    if (roll < 0.06) return { type: "sync", dies: false };
    if (roll < 0.36) return this.#chooseGlobal(now);
    const late = this.#late.length > 0 && random.chance(0.25);
    const list = late ? this.#late : this.#held;
    const job = list[random.int(0, Math.max(0, list.length - 1))];
    return job === undefined || roll > 0.8 ? this.#claim(now) : this.#work(job, now);
  }

  #goSilent(): void {
    if (this.#held.length > 0 && this.#random.chance(0.12)) this.#late.push(...this.#held.splice(0, 1));
    if (this.#global !== undefined && this.#random.chance(0.12)) {
      this.#lateGlobal = this.#global;
      this.#global = undefined;
    }
  }

  #claim(now: number): Operation {
    const limit = this.#random.int(1, Math.max(2, Math.ceil(this.#cap * 0.7)));
    return { type: "claim", now, limit, cap: this.#cap, worker: `${this.slot}.${this.#claims++}` };
  }

  #work({ threadId: jobKey, token }: Held, now: number): Operation {
    const owned = { kind: STAGE_ONE, jobKey, token } as const;
    const roll = this.#random.next();
    if (roll < 0.45) return { type: "finish", now, empty: this.#random.chance(0.3), ...owned };
    if (roll < 0.6) return { type: "fail", now, ...owned };
    if (roll < 0.85) return { type: "heartbeat", now, ...owned };
    return { type: "release", retryAt: this.#random.chance(0.5) ? null : now + 5000, ...owned };
  }

  #chooseGlobal(now: number): Operation {
    const token = this.#lateGlobal !== undefined && this.#random.chance(0.3) ? this.#lateGlobal : this.#global;
    if (token === undefined) return { type: "claim-global", now, worker: `${this.slot}.g${this.#claims++}` };
    const owned = { kind: GLOBAL, jobKey: "global", token } as const;
    const roll = this.#random.next();
    if (roll < 0.5) return { type: "finish-global", now, token, discards: this.#random.chance(0.2), dies: false };
    if (roll < 0.65) return { type: "fail-global", now, token };
    if (roll < 0.9) return { type: "heartbeat", now, ...owned };
    return { type: "release", retryAt: null, ...owned };
  }

  /** Learns what came of it. A killed worker remembers nothing. */
  learn(operation: Operation, result: Outcome | "lost"): void {
    if (result === "lost") {
      this.#held = [];
      this.#global = undefined;
    } else if ("claims" in result) this.#held.push(...result.claims);
    else if ("token" in result) this.#global = result.token ?? this.#global;
    else if (operation.type !== "heartbeat" || !result.done) this.#drop(operation);
  }

  #drop(operation: Operation): void {
    if (!("token" in operation) || this.#random.chance(0.2)) return;
    this.#held = this.#held.filter(({ token }) => token !== operation.token);
    if (this.#global === operation.token) this.#global = undefined;
  }
}
