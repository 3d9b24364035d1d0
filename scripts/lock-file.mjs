/**
 * The packages of package-lock.json (`wanted`) that node_modules/.package-lock.json (`installed`, undefined when
 * absent) does not have in the same version. Optional ones may be absent: they are for other platforms.
 * Versions are compared rather than file times, which a checkout or a restored cache changes.
 */
export function missingPackages(wanted, installed) {
  const present = installed?.packages ?? {};
  return Object.entries(wanted.packages ?? {})
    .filter(([path]) => path !== "")
    .filter(([path, entry]) => {
      const found = present[path];
      if (found === undefined) return entry.optional !== true && entry.devOptional !== true;
      return found.version !== entry.version || found.integrity !== entry.integrity;
    })
    .map(([path]) => path);
}
