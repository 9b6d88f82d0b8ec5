// Package devnet runs a whole Trine network on this machine: external chains, embedded
// or given, and every daemon as a separate process with its own keys and data folder,
// which reaches the chains by JSON-RPC only.
//
// It promises that what it started is ended with it, and that nothing outside its folder
// and loopback is touched. Package devnet knows the daemons by their binary,
// configuration files and API alone.
package devnet
