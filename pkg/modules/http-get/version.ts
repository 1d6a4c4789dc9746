type Headers = Readonly<Record<string, string>>;

/** A file that changed within its last second may have changed twice in it (RFC 9110, section 8.8.2.2). */
const surelyOtherMs = 1000;

/**
 * The server's name for the version of a file, to be sent with If-Range: a strong entity tag, or a date that is old
 * enough to be of one version only. Undefined when it has neither.
 */
export function versionOf({ etag, date = "", "last-modified": modified }: Headers): string | undefined {
  if (etag?.startsWith('"')) {
    return etag;
  }
  return modified !== undefined && Date.parse(date) - Date.parse(modified) >= surelyOtherMs ? modified : undefined;
}

/** Where the bytes of a partial answer begin and how long the whole is (RFC 9110, section 14.4); undefined when it does not say. */
export function parseContentRange(text: string | undefined): { at: number; total: number | undefined } | undefined {
  const [, at, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(text ?? "") ?? [];
  return at === undefined ? undefined : { at: Number(at), total: total === "*" ? undefined : Number(total) };
}
