// Package solana is the chain adapter for Solana clusters (CAIP-2 namespace solana).
//
// [Adapter] is its entry in the table of adapters. README.md says what it does, what it
// assumes of a node, and what breaks when that is not so.
//
// Everything a node says is taken for hostile: answers are bounded in size, decoded into
// types that cannot be wrong, and an error is sorted into a chain.Verdict (messages.go,
// held against the corpus in testdata/messages.json). No log line is ever read.
package solana
