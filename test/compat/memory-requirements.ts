import { listSection, type Requirement, section } from "./requirements/section.ts";

/** Which threads become memories, and who may work on them. */
const selection = section("memories 1", {
  "mem.1.1": "A thread must have been idle for 12 h by default, decided inside the claim.",
  "mem.1.2": "A thread last written exactly 12 h ago is claimable, one second less is not, one second more is.",
  "mem.1.3": "A thread last written exactly 30 days ago is claimable, one second more is not, a day more is not.",
  "mem.1.4": "Threads that are too fresh or finished, however many, never hide an older one that is due.",
  "mem.1.5":
    "With k fresh jobs and n due threads min(n, 64 - k) are claimed, never more than 64, by two processes too.",
  "mem.1.6": "A lease that ended, or has no end, is not counted and may be taken over; one second left is fresh.",
  "mem.1.7": "A takeover gives a new token; with the old one finish, fail and heartbeat do nothing and say so.",
  "mem.1.8": "Freshly running, current, archived, other sources, without a user message: never claimed.",
  "mem.1.9": "A thread is up to date by its output's time or by the last success, even one without output.",
  "mem.1.10":
    "A failure rests an hour and burns one of three retries; with none left only new content brings the thread back.",
});

/** What phase one returns and what becomes of it. */
const output = section("memories 2", {
  "mem.2.1": "The schema sent to the model requires rollout_slug (nullable), rollout_summary and raw_memory.",
  "mem.2.2": "The aliases summary and rawMemory, a missing slug and fenced JSON are accepted.",
  "mem.2.3":
    "Both texts empty: done without output, an older row goes and only then phase two is due. One empty: it is derived.",
  "mem.2.4": "Every stored field is redacted, by every kind of rule.",
  "mem.2.5": "Summaries and raw_memories.md are rebuilt from the rows byte for byte, newest first.",
  "mem.2.6": "Files of dropped threads go; no raw_memories directory is read or written.",
  "mem.2.7": "The consolidation prompt names rollout_summaries/ and raw_memories.md.",
});

/** One root for everything. */
const root = section("memories 3", {
  "mem.3.1": "The root is $CODEX_HOME/memories whatever the cwd; no hashed directory is made.",
  "mem.3.2": "Only the kinds memory_stage1 and memory_consolidate_global exist, the latter with the one key global.",
  "mem.3.3": "The old shared memory is copied once into an empty root, nothing overwritten, its source left alone.",
});

/** One consolidation at a time. */
const consolidation = section("memories 4", {
  "mem.4.1": "Of two claims of the global job at once one wins and the other hears that it is running.",
  "mem.4.2":
    "The lease lasts 3600 s: taken over at its end, not a second before; a heartbeat renews only a fresh one, with its token.",
  "mem.4.3": "After a lost lease the run fails without touching the new owner's row, and the new owner can finish.",
  "mem.4.4": "Success raises the watermark to the newest of old, claimed and consolidated, and never lowers it.",
  "mem.4.5": "New input while a consolidation runs leaves it running and makes the job due again after its success.",
  "mem.4.6": "A failure rests an hour and burns one retry; until then the job is not claimable.",
  "mem.4.7": "Without input no model is asked, the job is done and not due.",
  "mem.4.8":
    "The consolidation works in a staging folder, without approvals, network or sub-agents, and feeds no memory.",
});

/** Nothing else left behind. */
const clean = section("memories 5", {
  "mem.5.1": "No code, prompt or test knows cwd buckets, scopes or a raw_memories directory.",
  "mem.5.2": "The documentation has layout, phases, constants and the note on when the aliases go.",
});

const SECTIONS = { selection, output, root, consolidation, clean };

type Sections = typeof SECTIONS;

/** The id of an assertion about memories; a misspelt one does not compile. */
export type MemoryRequirementId = { [Name in keyof Sections]: keyof Sections[Name]["entries"] }[keyof Sections];

/** Every boundary of the memory pipeline that a test must show on both sides. */
export const MEMORY_REQUIREMENTS: readonly Requirement[] = Object.values(SECTIONS).flatMap(listSection);
