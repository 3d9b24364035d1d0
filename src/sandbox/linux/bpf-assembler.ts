import { assertNever } from "#lib/errors.ts";

/** Classic BPF operations a seccomp filter needs (linux/bpf_common.h), with their operand `k`. */
const LOAD_WORD = 0x20;
const AND = 0x54;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
const JUMP_IF_ANY_BIT = 0x45;
const RETURN = 0x06;

/** Where a jump goes: the next instruction, or a label. */
export type Target = "next" | (string & {});

/** One line of an assembler source. */
export type BpfLine =
  | { op: "load"; offset: number }
  | { op: "and"; mask: number }
  | { op: "jump"; test: "equal" | "at-least" | "any-bit"; value: number; yes: Target; no: Target }
  | { op: "return"; value: number }
  | { op: "label"; name: string };

const TESTS = { equal: JUMP_IF_EQUAL, "at-least": JUMP_IF_AT_LEAST, "any-bit": JUMP_IF_ANY_BIT } as const;

/** Bytes of one `struct sock_filter`: u16 code, u8 jt, u8 jf, u32 k. */
const INSTRUCTION_BYTES = 8;

/**
 * The program as the array of `struct sock_filter` the kernel reads, little endian (both supported
 * processors are). Throws when a label is missing or further away than the 255 instructions a jump can skip.
 */
export function assemble(lines: readonly BpfLine[]): Uint8Array {
  const addresses = new Map<string, number>();
  const instructions: Exclude<BpfLine, { op: "label" }>[] = [];
  for (const line of lines) {
    if (line.op === "label") addresses.set(line.name, instructions.length);
    else instructions.push(line);
  }
  const view = new DataView(new ArrayBuffer(instructions.length * INSTRUCTION_BYTES));
  instructions.forEach((line, index) => {
    const distance = (target: Target) => jumpDistance(target, index, addresses);
    const { code, yes, no, k } = encode(line, distance);
    view.setUint16(index * INSTRUCTION_BYTES, code, true);
    view.setUint8(index * INSTRUCTION_BYTES + 2, yes);
    view.setUint8(index * INSTRUCTION_BYTES + 3, no);
    view.setUint32(index * INSTRUCTION_BYTES + 4, k, true);
  });
  return new Uint8Array(view.buffer);
}

function encode(line: Exclude<BpfLine, { op: "label" }>, distance: (target: Target) => number) {
  switch (line.op) {
    case "load":
      return { code: LOAD_WORD, yes: 0, no: 0, k: line.offset };
    case "and":
      return { code: AND, yes: 0, no: 0, k: line.mask };
    case "jump":
      return { code: TESTS[line.test], yes: distance(line.yes), no: distance(line.no), k: line.value };
    case "return":
      return { code: RETURN, yes: 0, no: 0, k: line.value };
    default:
      return assertNever(line);
  }
}

function jumpDistance(target: Target, from: number, addresses: ReadonlyMap<string, number>): number {
  if (target === "next") return 0;
  const address = addresses.get(target);
  if (address === undefined) throw new Error(`no label "${target}" in the filter`);
  const distance = address - from - 1;
  if (distance < 0 || distance > 255) throw new Error(`label "${target}" is ${distance} instructions away`);
  return distance;
}
