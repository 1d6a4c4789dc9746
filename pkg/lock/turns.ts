/** Work on one subject, one after another in the order it was asked for; different subjects do not wait for each other. */
export function inTurns(): <T>(subject: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (subject, work) => {
    const result = (last.get(subject) ?? Promise.resolve()).then(work);
    const done = result
      .catch(() => undefined)
      .then(() => {
        if (last.get(subject) === done) {
          last.delete(subject);
        }
      });
    last.set(subject, done);
    return result;
  };
}
