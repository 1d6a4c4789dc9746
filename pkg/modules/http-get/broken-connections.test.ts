import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { testAuthority } from "#test/support/certificates.ts";
import { httpServer } from "#test/support/http-server.ts";
import { content, download, sha256 } from "./test/run-http-get.ts";

const image = content(400_000);
const temporary = () => mkdtempDisposable(join(tmpdir(), "http-get-"));

interface Habits {
  /** How many bytes of an answer come before the connection is cut. */
  readonly cutAfter?: number;
  /** The same before nothing more comes. */
  readonly silentAfter?: number;
  readonly etag?: string;
  /** What is served on each request; default always the image. */
  readonly served?: readonly Buffer[];
  /** Answers a range with another than was asked for. */
  readonly wrongRange?: boolean;
  /** Answers a range with so many bytes of it at most, as it may (RFC 9110, section 15.3.7). */
  readonly rangeBytes?: number;
}

/** A server that keeps what it was asked for: `all`, or the range and what it is for. */
async function serve({ cutAfter, silentAfter, etag, served = [image], wrongRange = false, rangeBytes }: Habits) {
  const asked: string[] = [];
  const server = await httpServer((request: IncomingMessage, response: ServerResponse) => {
    const file = served[Math.min(asked.length, served.length - 1)] as Buffer;
    const { range, "if-range": version } = request.headers;
    asked.push(range === undefined ? "all" : `${range} of ${version}`);
    const from = range !== undefined && version === etag ? Number(/^bytes=(\d+)-$/.exec(range)?.[1]) : undefined;
    const end = from === undefined || rangeBytes === undefined ? file.length : Math.min(from + rangeBytes, file.length);
    const bytes = file.subarray(from ?? 0, end);
    if (from !== undefined && from >= file.length) {
      response.writeHead(416, { "content-range": `bytes */${file.length}` }).end();
      return;
    }
    response.writeHead(from === undefined ? 200 : 206, {
      "content-length": bytes.length,
      ...(etag === undefined ? {} : { etag }),
      ...(from === undefined ? {} : { "content-range": `bytes ${wrongRange ? 0 : from}-${end - 1}/${file.length}` }),
    });
    const most = cutAfter ?? silentAfter;
    if (most === undefined || most >= bytes.length) {
      response.end(bytes);
      return;
    }
    response.write(bytes.subarray(0, most), () => cutAfter !== undefined && response.destroy());
  });
  return Object.assign(server, { asked });
}

test("a connection that breaks in the middle is taken up again, as long as it brings something", async () => {
  await using server = await serve({ cutAfter: 150_000, etag: '"one"' });
  await using folder = await temporary();
  const path = join(folder.path, "image");
  const said = await download({ path, url: `${server.url}/image`, sha256: sha256(image) });
  const positions = server.asked.slice(1).map((range) => Number(/^bytes=(\d+)- of "one"$/.exec(range)?.[1]));
  assert.deepEqual(
    {
      said,
      first: server.asked[0],
      ascending: positions.every((at, index) => at > (positions[index - 1] ?? 0)),
      same: (await readFile(path)).equals(image),
      left: await readdir(folder.path),
    },
    {
      said: [
        ...positions.flatMap((at) => [
          `GET ${server.url}/image: the answer broke off: trying again\n`,
          `going on from byte ${at}\n`,
        ]),
        `400000 bytes of ${server.url}/image are at ${path}, sha256 ${sha256(image)}\n`,
      ],
      first: "all",
      ascending: true,
      same: true,
      left: ["image"],
    },
  );
});

for (const [what, etag] of [
  ["no version", undefined],
  ["a version that is only alike", 'W/"one"'],
] as const) {
  test(`a server that names ${what} is asked for all, and given up when that breaks off again and again`, async () => {
    await using server = await serve({ cutAfter: 150_000, ...(etag === undefined ? {} : { etag }) });
    await using folder = await temporary();
    const path = join(folder.path, "image");
    const said = await download({ path, url: `${server.url}/image`, sha256: sha256(image) });
    assert.deepEqual(
      [said.at(-1), new Set(server.asked), server.asked.length > 3],
      [`unavailable: GET ${server.url}/image: the answer broke off`, new Set(["all"]), true],
    );
  });
}

test("a server that falls silent is not waited for longer than is said", async () => {
  await using server = await serve({ silentAfter: 1000 });
  await using folder = await temporary();
  const path = join(folder.path, "image");
  const said = await download({ path, url: `${server.url}/image`, sha256: sha256(image), timeout: "1s" });
  assert.equal(
    said.at(-1),
    `deadline_exceeded: GET ${server.url}/image: it sent nothing more within 1000 ms (is the device busy or stuck?)`,
  );
});

test("a part that was whole already needs no server", async () => {
  await using folder = await temporary();
  const path = join(folder.path, "image");
  await writeFile(`${path}.part`, image);
  const url = "http://127.0.0.1:1/image";
  assert.deepEqual(
    [await download({ path, url, sha256: sha256(image) }), await readdir(folder.path)],
    [[`400000 bytes of ${url} are at ${path}, sha256 ${sha256(image)}\n`], ["image"]],
  );
});

test("a file that became shorter than the part is downloaded from its beginning", async () => {
  const short = image.subarray(0, 100_000);
  await using server = await serve({ cutAfter: 150_000, etag: '"one"', served: [image, short] });
  await using folder = await temporary();
  const path = join(folder.path, "image");
  await download({ path, url: `${server.url}/image`, sha256: sha256(short) });
  assert.deepEqual(
    [server.asked.map((range) => range.replace(/\d+/, "N")), (await readFile(path)).equals(short)],
    [["all", 'bytes=N- of "one"', "all"], true],
  );
});

test("an answer with another part of the file than was asked for is refused", async () => {
  await using server = await serve({ cutAfter: 150_000, etag: '"one"', wrongRange: true });
  await using folder = await temporary();
  const path = join(folder.path, "image");
  const said = await download({ path, url: `${server.url}/image`, sha256: sha256(image) });
  assert.deepEqual(
    [said.at(-1), await readdir(folder.path)],
    [`data_loss: GET ${server.url}/image: the server sends another part of the file than it was asked for`, []],
  );
});

test("a server that gives less of a range than it was asked for is asked for the rest", async () => {
  await using server = await serve({ cutAfter: 150_000, etag: '"one"', rangeBytes: 130_000 });
  await using folder = await temporary();
  const path = join(folder.path, "image");
  const said = await download({ path, url: `${server.url}/image`, sha256: sha256(image) });
  assert.deepEqual(
    [said.at(-1), (await readFile(path)).equals(image)],
    [`400000 bytes of ${server.url}/image are at ${path}, sha256 ${sha256(image)}\n`, true],
  );
  assert.match(said[2] ?? "", /: the answer ended at byte \d+ of 400000: trying again\n$/);
});

test("headers and password go to the server of the options, and not where that redirects to or the list is", async () => {
  const told: string[] = [];
  const listen = (name: string, answer: (response: ServerResponse) => void) =>
    httpServer((request: IncomingMessage, response: ServerResponse) => {
      told.push(`${name}${request.url}: ${request.headers.authorization ?? "-"} ${request.headers["x-token"] ?? "-"}`);
      answer(response);
    });
  await using mirror = await listen("mirror", (response) => response.end(image));
  await using lists = await listen("lists", (response) => response.end(`${sha256(image)}  image\n`));
  await using own = await listen("own", (response) =>
    response.writeHead(302, { location: `${mirror.url}/image` }).end(),
  );
  await using folder = await temporary();
  const path = join(folder.path, "image");
  await download({
    path,
    url: `${own.url}/image`,
    sha256sums: `${lists.url}/sums`,
    user: "lab",
    password: "secret",
    headers: { "x-token": "t" },
  });
  assert.deepEqual(
    [told, (await readFile(path)).equals(image)],
    [["lists/sums: - -", `own/image: Basic ${btoa("lab:secret")} t`, "mirror/image: - -"], true],
  );
});

test("a server with a certificate of the lab is known by its authority or fingerprint, and never left for http", async () => {
  const authority = await testAuthority();
  const tls = await authority.server();
  await using folder = await temporary();
  await using plain = await serve({});
  await using server = await httpServer((request, response) => {
    if (request.url === "/moved") {
      response.writeHead(302, { location: `${plain.url}/image` }).end();
      return;
    }
    response.end(image);
  }, tls);
  const ca = join(folder.path, "ca.pem");
  await writeFile(ca, authority.own.cert);
  const given = { path: join(folder.path, "image"), url: `${server.url}/image`, sha256: sha256(image), cache: false };
  const fingerprint = new X509Certificate(tls.cert).fingerprint256;
  const fetched = [`400000 bytes of ${server.url}/image are at ${given.path}, sha256 ${sha256(image)}\n`];
  assert.deepEqual(
    [
      await download({ ...given, ca }),
      await download({ ...given, fingerprint }),
      (await download(given))[0]?.split(":")[0],
      await download({ ...given, ca, url: `${server.url}/moved` }),
      plain.asked,
    ],
    [
      fetched,
      fetched,
      "unauthenticated",
      [
        `failed_precondition: ${server.url}/moved redirects to ${plain.url}, which is not encrypted (configure the address that it leads to, if that is right)`,
      ],
      [],
    ],
  );
});
