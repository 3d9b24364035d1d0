import { expect, test } from "bun:test";
import { assemble, type BpfLine } from "#sandbox/linux/bpf-assembler.ts";
import { decodeProgram } from "../../support/cbpf.ts";

const done: BpfLine = { op: "return", value: 0x7fff0000 };

test("writes each instruction in the kernel's layout, with labels as distances", () => {
  const program = assemble([
    { op: "load", offset: 4 },
    { op: "jump", test: "equal", value: 0xc000003e, yes: "next", no: "end" },
    { op: "and", mask: 0xf },
    { op: "jump", test: "at-least", value: 0x40000000, yes: "end", no: "next" },
    { op: "jump", test: "any-bit", value: 8, yes: "next", no: "next" },
    { op: "label", name: "end" },
    { op: "return", value: 0x80000000 },
  ]);
  expect(decodeProgram(program)).toEqual([
    { code: 0x20, jt: 0, jf: 0, k: 4 },
    { code: 0x15, jt: 0, jf: 3, k: 0xc000003e },
    { code: 0x54, jt: 0, jf: 0, k: 0xf },
    { code: 0x35, jt: 1, jf: 0, k: 0x40000000 },
    { code: 0x45, jt: 0, jf: 0, k: 8 },
    { code: 0x06, jt: 0, jf: 0, k: 0x80000000 },
  ]);
});

test("refuses labels that are missing, behind, or out of a jump's reach", () => {
  const jump: BpfLine = { op: "jump", test: "equal", value: 1, yes: "end", no: "next" };
  const end: BpfLine = { op: "label", name: "end" };
  expect(() => assemble([jump, done])).toThrow('no label "end"');
  expect(() => assemble([end, jump, done])).toThrow("-1 instructions away");
  const filler = (count: number) => Array.from({ length: count }, () => done);
  expect(() => assemble([jump, ...filler(256), end, done])).toThrow("256 instructions away");
  expect(decodeProgram(assemble([jump, ...filler(255), end, done]))[0]?.jt).toBe(255);
});
