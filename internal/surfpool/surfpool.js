// Runs one Surfpool chain until standard input ends: so it ends with whoever started it, however that ends.
// Arguments: the path of the addon, a slot's length in milliseconds. Prints the URL of its JSON-RPC as the one line.
"use strict";
const { Surfnet } = require(process.argv[1]);
const chain = Surfnet.startWithConfig({ offline: true, blockProductionMode: "clock", slotTimeMs: Number(process.argv[2]) });
// Events that nobody takes fill a queue, and a full queue stops the chain.
setInterval(() => chain.drainEvents(), 100);
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
console.log(chain.rpcUrl);
