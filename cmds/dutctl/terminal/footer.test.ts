import assert from "node:assert/strict";
import { test } from "node:test";
import { Footer } from "./footer.ts";

/** A footer on a terminal of so many columns, with everything that the terminal is given, write by write. */
function recorded(columns = 80) {
  const written: string[] = [];
  const outlet = {
    isTerminal: true,
    async write(data: string | Uint8Array) {
      written.push(Buffer.from(data as string).toString());
    },
  };
  const size = { columns };
  const footer = new Footer(outlet, () => size.columns);
  return { footer, out: footer.outlet(outlet), written, size };
}

test("output goes above the lines, which are taken away before it and drawn again behind it", async () => {
  const { footer, out, written } = recorded();
  await footer.show(["one", "two"]);
  await out.write("text\n");
  await footer.show([]);
  assert.deepEqual(written, ["one\r\ntwo", "\r\x1b[1A\x1b[Jtext\none\r\ntwo", "\r\x1b[1A\x1b[J"]);
});

test("nothing is drawn behind a line that has not ended", async () => {
  const { footer, out, written } = recorded();
  await out.write(Buffer.from("password: "));
  await footer.show(["bar"]);
  await out.write("\n");
  assert.deepEqual(written, ["password: ", "\nbar"]);
});

test("lines that do not change are not drawn again, and many changes while the terminal is slow are one", async () => {
  const { footer, written } = recorded();
  await footer.show(["a"]);
  await footer.show(["a"]);
  void footer.show(["b"]);
  void footer.show(["c"]);
  await footer.show(["d"]);
  assert.deepEqual(written, ["a", "\r\x1b[Jd"]);
});

test("lines that a narrower terminal has broken are taken away whole", async () => {
  const { footer, size, written } = recorded(80);
  await footer.show(["x".repeat(50)]);
  size.columns = 20;
  await footer.show([]);
  assert.deepEqual(written, ["x".repeat(50), "\r\x1b[2A\x1b[J"]);
});

test("lines that are kept stay, and output goes below them", async () => {
  const { footer, out, written } = recorded();
  await footer.show(["table"]);
  await footer.keep();
  await out.write("text\n");
  assert.deepEqual(written, ["table", "\r\n", "text\n"]);
});

test("a program that is left or stopped takes its lines with it", async () => {
  const { footer } = recorded();
  await footer.show(["bar"]);
  assert.deepEqual(
    [footer.guard.leave(), footer.guard.resume(), footer.guard.leave()],
    ["\r\x1b[J", "bar", "\r\x1b[J"],
  );
});
