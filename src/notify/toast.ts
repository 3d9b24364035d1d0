import { signalGroup } from "#process/process-group.ts";
import { preview } from "./sequence.ts";

/** After this the person is told another way. */
const POWERSHELL_LIMIT_MS = 5000;

/** Toasts need a registered program; PowerShell's own registration is on every Windows. */
const APP_ID = "{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe";

/**
 * Shows a notification of Windows from inside WSL. Resolves to null, or to why it could not be shown; after 5 s at
 * most. PowerShell is looked for on the PATH of `env`.
 */
export async function showToast(
  notice: { title: string; text: string },
  options: { env: Readonly<Record<string, string>> },
): Promise<string | null> {
  const program = Bun.which("powershell.exe", { PATH: options.env.PATH ?? "" });
  if (program === null) return "powershell.exe is not on the PATH";
  const argv = ["-NoProfile", "-NonInteractive", "-EncodedCommand", encoded(toastScript(notice))];
  let child: Bun.Subprocess;
  try {
    child = Bun.spawn([program, ...argv], {
      env: interopEnvironment(options.env),
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      detached: true,
    });
  } catch {
    return `"${program}" could not be started`;
  }
  return endOf(child, program);
}

/** What starting a program of Windows from WSL takes, and no credentials. */
function interopEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => INTEROP_NAMES.has(name)));
}

const INTEROP_NAMES: ReadonlySet<string> = new Set(["PATH", "HOME", "WSL_INTEROP", "WSL_DISTRO_NAME"]);

async function endOf(child: Bun.Subprocess, program: string): Promise<string | null> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    signalGroup(child.pid, "SIGKILL");
  }, POWERSHELL_LIMIT_MS);
  await child.exited;
  clearTimeout(timer);
  if (isLate) return `"${program}" took longer than ${POWERSHELL_LIMIT_MS / 1000} s`;
  return child.exitCode === 0 ? null : `"${program}" ended with ${child.exitCode ?? child.signalCode}`;
}

/** The texts reach the script as base64 only: nothing in them can be code, and nothing but XML text in the XML. */
function toastScript({ title, text }: { title: string; text: string }): string {
  const lines = [title, text].map((line) => `<text>${escapeXml(preview(line))}</text>`).join("");
  const xml = `<toast><visual><binding template="ToastGeneric">${lines}</binding></visual></toast>`;
  const data = Buffer.from(xml, "utf8").toString("base64");
  return [
    "$ErrorActionPreference = 'Stop'",
    "[Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime] | Out-Null",
    "[Windows.Data.Xml.Dom.XmlDocument, Windows.Data.Xml.Dom, ContentType = WindowsRuntime] | Out-Null",
    "$xml = New-Object Windows.Data.Xml.Dom.XmlDocument",
    `$xml.LoadXml([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('${data}')))`,
    "$toast = New-Object Windows.UI.Notifications.ToastNotification $xml",
    `[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier('${APP_ID}').Show($toast)`,
  ].join("\n");
}

/** As `-EncodedCommand` wants it. */
function encoded(script: string): string {
  return Buffer.from(script, "utf16le").toString("base64");
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
