// Package evmtest starts Ethereum chains for tests and spoils them.
//
// [Start] is a chain inside the test, [StartAnvil] a real anvil beside it (installed by
// scripts/tools.sh), and [StartProxy] stands in front of either and changes what it says.
// Everything listens on loopback, on free ports, and ends with the test.
package evmtest
