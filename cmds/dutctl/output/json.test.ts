import { binary, devices, failed, lock, testGolden, unlocked } from "../test/rendered.ts";
import type { Content } from "./content.ts";

testGolden("json", [
  [
    "json shows devices with metadata",
    [{ ...devices, data: [{ name: "dev1", lock }] } as Content],
    `{
  "contentType": "device-list",
  "data": [
    {
      "Name": "dev1",
      "Locked": true,
      "Owner": "alice@h",
      "ExpiresAt": 1795171943
    }
  ],
  "metadata": {
    "msg": "List Response",
    "server": "127.0.0.1:21024"
  },
  "timestamp": "2026-11-20T10:27:23Z"
}
`,
    true,
  ],
  [
    "json shows an empty list as a list",
    [{ type: "command-list", data: [] }],
    `{\n  "contentType": "command-list",\n  "data": [],\n  "timestamp": "2026-11-20T10:27:23Z"\n}\n`,
  ],
  [
    "json shows an unlocked device without owner",
    [unlocked],
    `{
  "contentType": "lock-result",
  "data": {
    "Name": "dev1",
    "Locked": false,
    "Owner": "",
    "ExpiresAt": 0
  },
  "timestamp": "2026-11-20T10:27:23Z"
}
`,
  ],
  [
    "json escapes bytes as Go does, and keeps those that are no text",
    [binary],
    `{\n  "contentType": "module-output",\n  "data": "\\ufffd\\u0000\\u003c\\u0026\\u003e",\n  "dataBase64": "/wA8Jj4=",\n  "timestamp": "2026-11-20T10:27:23Z"\n}\n`,
  ],
  [
    "json makes one mark of every byte that is no UTF-8",
    [{ type: "module-output", data: Buffer.from([0xe2, 0x82, 0x41, 0xc3, 0xa4, 0xf0, 0x9f]) }],
    `{\n  "contentType": "module-output",\n  "data": "\\ufffd\\ufffdAä\\ufffd\\ufffd",\n  "dataBase64": "4oJBw6Twnw==",\n  "timestamp": "2026-11-20T10:27:23Z"\n}\n`,
  ],
  [
    "json marks an error",
    [failed],
    `{\n  "contentType": "general",\n  "data": "cannot reach dutagent at h:1 (refused)\\n",\n  "error": true,\n  "timestamp": "2026-11-20T10:27:23Z"\n}\n`,
  ],
]);
