// Package solanatest gives tests a real Solana chain: wallets with coins, tokens of every kind, and transactions that have landed.
//
// There are two chains. [OpenValidator] is solana-test-validator: finality, expiry, fees and errors are the real ones.
// [StartSurfpool] is Surfpool: the real runtime behind the same JSON-RPC, but it finalizes at once what the validator
// takes seconds for, and shows several things untruly. A test that both serve honestly calls [Start], which takes the validator
// where there is one. A test that needs the validator is skipped without one, and a line in the file that $TRINE_SOLANA_REPORT
// names says so, as it says which chains ran: the package ran makes the last lines of make test of it.
//
// A chain takes seconds to start and half a gibibyte, so tests of a package should share one: [Shared].
// Chains listen on loopback, on ports that no other chain of this package uses, keep their files in a temporary folder, and end
// with the process that started them, however that ends. Tests that share one use wallets and tokens of their own.
package solanatest
