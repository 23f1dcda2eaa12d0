/** A file system of few bytes, for tests of full disks. */
const utf8 = new TextEncoder();

/** Answers false, and says so by name, where mounting is not permitted. */
export async function mountSmallDisk(
  directory: string,
  sizeBytes: number,
): Promise<boolean> {
  const args = ["-t", "tmpfs", "-o", `size=${sizeBytes}`, "tmpfs", directory];
  const { success } = await new Deno.Command("mount", { args }).output();
  if (!success) {
    const text = "SKIPPED: tests/e2e/cluster_disk_full_test.ts: no mounts\n";
    Deno.stderr.writeSync(utf8.encode(text));
  }
  return success;
}

export async function unmount(directory: string): Promise<void> {
  await new Deno.Command("umount", { args: ["-l", directory] }).output();
}
