/** A moment in the local zone by RFC 3339, without fractions: `2026-11-20T10:27:23Z`, `2026-11-20T11:27:23+01:00`. */
export function timestamp(moment: Date): string {
  const east = -moment.getTimezoneOffset();
  const local = new Date(moment.getTime() + east * 60_000).toISOString().slice(0, "2026-11-20T10:27:23".length);
  return `${local}${zone(east)}`;
}

function zone(east: number): string {
  if (east === 0) {
    return "Z";
  }
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const minutes = Math.abs(east);
  return `${east < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}
