/** A moment of Unix time in milliseconds on the user's clock: `14:05`, or with its day when that is not today's. */
export function clockTime(milliseconds: number, now: Date): string {
  const moment = new Date(milliseconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const time = `${two(moment.getHours())}:${two(moment.getMinutes())}`;
  return moment.toDateString() === now.toDateString()
    ? time
    : `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())} ${time}`;
}
