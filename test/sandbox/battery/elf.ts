/**
 * A static x64 program that makes one system call of the 32-bit ABI (`int 0x80`) and exits with 0 where
 * the kernel lets it get that far. `call` is the number, then up to three arguments.
 */
export function thirtyTwoBitCall(call: readonly [number: number, a?: number, b?: number, c?: number]): Uint8Array {
  const [number, ...args] = call;
  const load = (opcode: number, value: number) => {
    const bytes = Buffer.alloc(5);
    bytes.writeUInt8(opcode, 0);
    bytes.writeUInt32LE(value, 1);
    return [...bytes];
  };
  // eax, ebx, ecx, edx, int 0x80; then exit(0) in the 64-bit ABI.
  const code = [
    ...load(0xb8, number),
    ...load(0xbb, args[0] ?? 0),
    ...load(0xb9, args[1] ?? 0),
    ...load(0xba, args[2] ?? 0),
    ...[0xcd, 0x80],
    ...load(0xb8, 60),
    ...[0x31, 0xff, 0x0f, 0x05],
  ];
  return executable(code);
}

const BASE = 0x400000n;
const HEADERS = 64 + 56;

function executable(code: readonly number[]): Uint8Array {
  const elf = Buffer.alloc(HEADERS + code.length);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  elf.writeUInt16LE(2, 16); // executable
  elf.writeUInt16LE(62, 18); // x86-64
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BASE + BigInt(HEADERS), 24); // entry
  elf.writeBigUInt64LE(64n, 32); // program headers
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // a segment to load
  elf.writeUInt32LE(5, 68); // readable, executable
  elf.writeBigUInt64LE(BASE, 80);
  elf.writeBigUInt64LE(BASE, 88);
  elf.writeBigUInt64LE(BigInt(elf.length), 96);
  elf.writeBigUInt64LE(BigInt(elf.length), 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  elf.set(code, HEADERS);
  return elf;
}
