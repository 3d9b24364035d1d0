export async function becomeConfined(_args: readonly string[]): Promise<number> {
  return 1;
}
