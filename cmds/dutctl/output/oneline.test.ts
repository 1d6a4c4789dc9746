import { commands, devices, failed, locked, printed, sent, testGolden, unlocked } from "../test/rendered.ts";

testGolden("oneline", [
  [
    "oneline shows devices, locks and transfers",
    [devices, locked, unlocked, sent],
    `2026-11-20T10:27:23Z,device-list,INFO,"dev 2|dev1=locked:alice@h|dev3=in-use:b""o"
2026-11-20T10:27:23Z,lock-result,INFO,dev1=locked:alice@h
2026-11-20T10:27:23Z,lock-result,INFO,dev1
2026-11-20T10:27:23Z,file-transfer,INFO,"sent 6 in.txt"
`,
  ],
  [
    "oneline shows metadata sorted and quoted",
    [commands],
    `2026-11-20T10:27:23Z,command-list,INFO,device=dev1,msg="Commands Response",server=127.0.0.1:21024,chain|down|ft\n`,
    true,
  ],
  [
    "oneline is one line whatever is printed, and can be read back",
    [printed, failed, { type: "module-output", data: Buffer.from('C:\\new\r\n"\x1b[2J\0,ä\xff', "latin1") }],
    `2026-11-20T10:27:23Z,module-output,INFO,"Hello from dummy status module\\n"
2026-11-20T10:27:23Z,general,ERROR,"cannot reach dutagent at h:1 (refused)\\n"
2026-11-20T10:27:23Z,module-output,INFO,"C:\\\\new\\r\\n""\\x1b[2J\\x00,\\xe4\\xff"
`,
  ],
]);
