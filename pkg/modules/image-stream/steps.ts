/** Often enough for a bar that moves, and a message for many times its own size. */
const reportEveryBytes = 1024 * 1024;

/** Counts bytes and reports how many now and then, and at the end. */
export function steps(report: (done: number) => Promise<void>) {
  let done = 0;
  let reported = 0;
  const tell = async () => {
    reported = done;
    await report(done);
  };
  return {
    get done() {
      return done;
    },
    async add(bytes: number): Promise<number> {
      done += bytes;
      if (done - reported >= reportEveryBytes) {
        await tell();
      }
      return done;
    },
    async finish(): Promise<void> {
      if (done > reported) {
        await tell();
      }
    },
  };
}
