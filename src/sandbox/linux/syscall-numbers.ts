/** The processors the filter is written for, as `process.arch` names them. */
export type FilterArch = "x64" | "arm64";

/** `AUDIT_ARCH_*` of linux/audit.h: what the kernel reports for a system call made in the 64-bit ABI. */
export const AUDIT_ARCH: Readonly<Record<FilterArch, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/**
 * Numbers of the system calls the filter speaks about, [x64, arm64], from the kernel's
 * `syscall_64.tbl` and `asm-generic/unistd.h`. From 424 upwards every architecture shares them.
 */
const NUMBERS = {
  accept: [43, 202],
  accept4: [288, 242],
  add_key: [248, 217],
  bind: [49, 200],
  bpf: [321, 280],
  clone: [56, 220],
  clone3: [435, 435],
  connect: [42, 203],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  io_uring_setup: [425, 425],
  ioctl: [16, 29],
  keyctl: [250, 219],
  listen: [50, 201],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  open_tree_attr: [467, 467],
  pidfd_getfd: [438, 438],
  pivot_root: [155, 41],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  request_key: [249, 218],
  sendto: [44, 206],
  setns: [308, 268],
  socket: [41, 198],
  socketpair: [53, 199],
  umount2: [166, 39],
  unshare: [272, 97],
} as const satisfies Readonly<Record<string, readonly [number, number]>>;

export type SyscallName = keyof typeof NUMBERS;

export const SYSCALL_NAMES = Object.keys(NUMBERS) as SyscallName[];

export function syscallNumber(name: SyscallName, arch: FilterArch): number {
  return NUMBERS[name][arch === "x64" ? 0 : 1];
}
