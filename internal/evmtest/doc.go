// Package evmtest starts Ethereum chains for tests.
//
// [Start] is a chain inside the test, [StartAnvil] a real anvil beside it (installed by
// scripts/tools.sh); internal/rpctest stands in front of either and changes what it says.
// Everything listens on loopback, on free ports, and ends with the test.
package evmtest
