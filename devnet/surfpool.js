// Runs Surfpool, an embedded Solana chain, until standard input ends: so it ends with whoever started it, however that ends.
// The first argument is the addon's path, the second one a slot's length in milliseconds. Prints the URL of the RPC.
const { Surfnet } = require(process.argv[1])
const chain = Surfnet.startWithConfig({ offline: true, blockProductionMode: 'clock', slotTimeMs: Number(process.argv[2]) })
// Events that nobody takes fill a queue, and a full one stops the chain.
setInterval(() => chain.drainEvents(), 100)
process.stdin.on('end', () => process.exit(0))
process.stdin.resume()
console.log(chain.rpcUrl)
