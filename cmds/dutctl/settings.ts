/** What an option is when no flag sets it, and where that was said. */
export interface Setting {
  readonly value: string;
  /** As an error names it, such as `DUTCTL_FORMAT`. */
  readonly place: string;
}

/** What can be set beside the command line, with what it means. The names are the keys of a context. */
export const settingKeys = {
  server: "agent or server to talk to, as for -s",
  tls: "true: speak TLS to a server whose certificate this computer trusts, as for -tls",
  "tls-ca": "speak TLS to a server with a certificate of the authorities in this file, as for -tls-ca",
  "tls-cert": "the file of a certificate that says who you are, as for -tls-cert",
  "tls-key": "the file of its key, as for -tls-key",
  authority: "the fingerprint of the authority in tls-ca; setting tls-ca sets it",
  user: "who you are to other users, as for -u",
  format: "output format, as for -f",
  log: "diagnostics on stderr, as for -log",
  protocol: "use only this protocol, as for -protocol",
  timeout: "give up after this time, as for -timeout; 0 for no limit",
  wait: "how long to wait while somebody else has the device, as for -wait; 0 for not at all",
  grace: "how long a run goes on when the connection is lost, as for -grace",
} as const satisfies Readonly<Record<string, string>>;

export type SettingKey = keyof typeof settingKeys;

export type Settings = Readonly<Partial<Record<SettingKey, Setting>>>;

export const noSettings: Settings = {};

/** The variables that set something. NO_COLOR is another one, and DUTCTL_CONTEXT chooses a context. */
export const settingVariables = {
  DUTCTL_SERVER: "server",
  DUTCTL_USER: "user",
  DUTCTL_FORMAT: "format",
} as const satisfies Readonly<Record<string, SettingKey>>;

/** What the environment sets; a variable that is empty sets nothing. */
export function settingsOfEnvironment(env: Readonly<Record<string, string | undefined>>): Settings {
  const set = Object.entries(settingVariables).flatMap(([variable, key]) => {
    const value = env[variable] ?? "";
    return value === "" ? [] : [[key, { value, place: variable }] as const];
  });
  return Object.fromEntries(set);
}
