/** What a seccomp filter is asked about: one system call. Arguments are 64-bit, missing ones 0. */
export interface FilteredCall {
  nr: number;
  arch: number;
  args?: readonly bigint[];
}

/** One `struct sock_filter`. */
export interface Instruction {
  code: number;
  jt: number;
  jf: number;
  k: number;
}

/** The instructions of a program in the kernel's layout, little endian. */
export function decodeProgram(program: Uint8Array): Instruction[] {
  if (program.length % 8 !== 0) throw new Error(`${program.length} bytes are no whole number of instructions`);
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  return Array.from({ length: program.length / 8 }, (_, index) => ({
    code: view.getUint16(index * 8, true),
    jt: view.getUint8(index * 8 + 2),
    jf: view.getUint8(index * 8 + 3),
    k: view.getUint32(index * 8 + 4, true),
  }));
}

/**
 * Runs a classic BPF program over a call the way the kernel does, for the instructions seccomp filters
 * use. Returns the filter's 32-bit verdict; throws where the kernel would refuse to load the program.
 */
export function runFilter(program: Uint8Array, call: FilteredCall): number {
  const instructions = decodeProgram(program);
  const data = seccompData(call);
  let accumulator = 0;
  for (let at = 0; at < instructions.length; at++) {
    const { code, jt, jf, k } = instructions[at] as Instruction;
    switch (code) {
      case 0x20: // BPF_LD | BPF_W | BPF_ABS
        if (k % 4 !== 0 || k > 60) throw new Error(`load at ${k}`);
        accumulator = data.getUint32(k, true);
        break;
      case 0x54: // BPF_ALU | BPF_AND | BPF_K
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x15: // BPF_JMP | BPF_JEQ | BPF_K
        at += accumulator === k ? jt : jf;
        break;
      case 0x35: // BPF_JMP | BPF_JGE | BPF_K
        at += accumulator >= k ? jt : jf;
        break;
      case 0x45: // BPF_JMP | BPF_JSET | BPF_K
        at += (accumulator & k) !== 0 ? jt : jf;
        break;
      case 0x06: // BPF_RET | BPF_K
        return k;
      default:
        throw new Error(`instruction ${at} has the code 0x${code.toString(16)}`);
    }
  }
  throw new Error("the program ended without a verdict");
}

function seccompData(call: FilteredCall): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, call.nr, true);
  data.setUint32(4, call.arch, true);
  for (const [index, value] of (call.args ?? []).entries()) data.setBigUint64(16 + index * 8, value, true);
  return data;
}
