// Package ethereum is the chain adapter for EVM chains (CAIP-2 namespace eip155).
//
// [Adapter] is its entry in the table of adapters. README.md says what it does, what it
// assumes of a node, and what breaks when that is not so.
//
// Everything a node says is taken for hostile: answers are bounded in size, decoded into
// types that cannot be wrong, and an error is sorted into a chain.Verdict by its text
// (messages.go, held against the corpus in testdata/messages.json).
package ethereum
