interface LockFile {
  readonly packages?: Readonly<Record<string, object>>;
}

export function missingPackages(wanted: LockFile, installed: LockFile | undefined): string[];
