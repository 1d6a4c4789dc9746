import assert from "node:assert/strict";
import { mkdtempDisposable, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { withoutNginx } from "#test/support/nginx.ts";
import { fastBytes, openNginxFiles } from "#test/support/nginx-files.ts";
import { mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import { content, download, downloadUntil, sha256 } from "./test/run-http-get.ts";

const temporary = () => mkdtempDisposable(join(tmpdir(), "http-get-"));

suite("a file of nginx", { skip: withoutNginx }, () => {
  test("is downloaded, and not again while it is there", async () => {
    await using nginx = await openNginxFiles();
    await using folder = await temporary();
    const path = join(folder.path, "images", "image");
    const image = content(700_000);
    await nginx.write("image", image);
    const url = `${nginx.url}/image`;
    const first = await download({ path }, [url, sha256(image).toUpperCase()]);
    const { mtimeMs } = await stat(path);
    const second = await download({ path, url, sha256: sha256(image) });
    const untouched = (await stat(path)).mtimeMs === mtimeMs;
    await writeFile(path, "changed on the agent");
    const third = await download({ path, url, sha256: sha256(image) });
    const forced = await download({ path, url, sha256: sha256(image), cache: false });
    const fetched = [`700000 bytes of ${url} are at ${path}, sha256 ${sha256(image)}\n`];
    assert.deepEqual(
      { first, second, untouched, third, forced, same: (await readFile(path)).equals(image) },
      {
        first: fetched,
        second: [`${path} is there already, sha256 ${sha256(image)}\n`],
        untouched: true,
        third: fetched,
        forced: fetched,
        same: true,
      },
    );
    assert.deepEqual(await readdir(join(folder.path, "images")), ["image"]);
  });

  test("whose download was given up is gone on with by the next run", async () => {
    await using nginx = await openNginxFiles();
    await using folder = await temporary();
    const path = join(folder.path, "image");
    const image = content(fastBytes + 300_000);
    await nginx.write("image", image);
    const options = { path, url: `${nginx.url}/slow/image`, sha256: sha256(image) };
    const first = await downloadUntil(fastBytes, options);
    const left = (await readdir(folder.path)).sort();
    const { size } = await stat(`${path}.part`);
    const second = await download(options);
    assert.deepEqual(
      { first, left, second, same: (await readFile(path)).equals(image), after: await readdir(folder.path) },
      {
        first: ["undefined: the user left"],
        left: ["image.part", "image.part.of"],
        second: [
          `going on from byte ${size}\n`,
          `${image.length} bytes of ${nginx.url}/slow/image are at ${path}, sha256 ${sha256(image)}\n`,
        ],
        same: true,
        after: ["image"],
      },
    );
    assert.ok(size >= fastBytes, `${size}`);
  });

  test("that changed between two runs is downloaded from its beginning", async () => {
    await using nginx = await openNginxFiles();
    await using folder = await temporary();
    const path = join(folder.path, "image");
    const [old, image] = [content(fastBytes + 300_000), content(fastBytes, 7)];
    await nginx.write("image", old);
    const url = `${nginx.url}/slow/image`;
    await downloadUntil(fastBytes, { path, url, sha256: sha256(old) });
    await nginx.write("image", image);
    const said = await download({ path, url, sha256: sha256(image) });
    assert.deepEqual(
      [said, (await readFile(path)).equals(image), await readdir(folder.path)],
      [[`${fastBytes} bytes of ${url} are at ${path}, sha256 ${sha256(image)}\n`], true, ["image"]],
    );
  });

  test("of another address is not gone on with", async () => {
    await using nginx = await openNginxFiles();
    await using folder = await temporary();
    const path = join(folder.path, "image");
    const image = content(fastBytes + 300_000);
    await nginx.write("image", image);
    await downloadUntil(fastBytes, { path, url: `${nginx.url}/slow/image`, sha256: sha256(image) });
    const said = await download({ path, url: `${nginx.url}/image`, sha256: sha256(image) });
    assert.deepEqual(said, [`${image.length} bytes of ${nginx.url}/image are at ${path}, sha256 ${sha256(image)}\n`]);
  });

  test("with another SHA-256 fails, leaves no part, and the old file as it was", async () => {
    await using nginx = await openNginxFiles();
    await using folder = await temporary();
    const path = join(folder.path, "image");
    await writeFile(path, "old");
    await nginx.write("image", "other");
    const wanted = sha256(Buffer.from("wanted"));
    assert.deepEqual(
      [
        await download({ path, url: `${nginx.url}/image?token=t`, sha256: wanted }),
        await readFile(path, "latin1"),
        await readdir(folder.path),
      ],
      [
        [
          `data_loss: ${nginx.url}/image has the SHA-256 ${sha256(Buffer.from("other"))}, and not ${wanted} (the file was changed on the server or on the way, or the SHA-256 is of another; nothing of it was kept)`,
        ],
        "old",
        ["image"],
      ],
    );
  });

  test("is compared with a list of checksums beside it", async () => {
    await using nginx = await openNginxFiles();
    await using folder = await temporary();
    const path = join(folder.path, "image");
    const image = content(5000);
    await nginx.write("image.gz", image);
    await nginx.write("SHA256SUMS", `${sha256(Buffer.from("other"))}  other\n${sha256(image)} *image.gz\n`);
    const options = { path, sha256sums: "SHA256SUMS" };
    const url = `${nginx.url}/image.gz`;
    await nginx.write("unlisted", "");
    assert.deepEqual(
      [
        await download(options, [url]),
        await download(options, [`${nginx.url}/unlisted`]),
        await download({ ...options, sha256sums: "/none" }, [url]),
      ],
      [
        [`5000 bytes of ${url} are at ${path}, sha256 ${sha256(image)}\n`],
        [
          "not_found: the list of checksums has no file unlisted (see the option sha256sums; the list must be one of SHA-256)",
        ],
        [`not_found: GET ${nginx.url}/none: there is no such file (status 404) (check the address)`],
      ],
    );
  });

  test("that is not there, not for everybody, or too large is told by what the server says", async () => {
    await using nginx = await openNginxFiles();
    await using folder = await temporary();
    const path = join(folder.path, "image");
    const image = content(2000);
    await nginx.write("image", image);
    const given = { path, sha256: sha256(image) };
    const url = `${nginx.url}/private/image`;
    assert.deepEqual(
      [
        await download({ ...given, url: `${nginx.url}/none` }),
        await download({ ...given, url }),
        await download({ ...given, url, user: "lab", password: "wrong" }),
        await download({ ...given, url: `${nginx.url}/image`, limit: "1k" }),
        (await readdir(folder.path)).filter((name) => name !== "image.part"),
        await download({ ...given, url, user: "lab", password: "secret" }),
      ],
      [
        [`not_found: GET ${nginx.url}/none: there is no such file (status 404) (check the address)`],
        [
          `unauthenticated: GET ${url}: it wants a user and password, or others (status 401) (see the options user, password and auth)`,
        ],
        [
          `unauthenticated: GET ${url}: it wants a user and password, or others (status 401) (see the options user, password and auth)`,
        ],
        [
          `resource_exhausted: ${nginx.url}/image is larger than the 1024 bytes that it may have (raise the option limit, if it is the right file)`,
        ],
        [],
        [`2000 bytes of ${url} are at ${path}, sha256 ${sha256(image)}\n`],
      ],
    );
  });

  test("for which the agent has no room ends with the kernel's words", {
    skip: mountsAreMissing ?? false,
  }, async () => {
    await using nginx = await openNginxFiles();
    await using mount = await PrivateMount.tmpfs(1024 * 1024);
    const path = join(mount.seen, "image");
    const image = content(2 * 1024 * 1024);
    await nginx.write("image", image);
    assert.deepEqual(await download({ path, url: `${nginx.url}/image`, sha256: sha256(image) }), [
      `resource_exhausted: write ${path}.part: no space left on the device`,
    ]);
  });
});
