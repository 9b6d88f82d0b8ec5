// Package evm runs an Ethereum chain inside this process, served over real JSON-RPC on loopback.
//
// It is what tests and the demo use in place of a node: go-ethereum's own state
// machine, pool and RPC server with the forks that are live on Ethereum's main network,
// nothing on disk, no peers. Every chain has a chain id of its own, so several can run
// beside each other. Blocks come when the owner says so ([Chain.Commit]), when a
// transaction arrives, or by a clock; [Chain.Fork] makes a reorganisation.
//
// The tag "finalized" moves every 32 blocks, "safe" with it.
//
// The package also deploys a token for tests and demonstrations ([DeployToken]), on any endpoint.
package evm
