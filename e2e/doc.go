// Package e2e tests Trine as its users meet it: built binaries as separate processes,
// each with its own keys and data folder, against a real anvil. Its tests have the build
// tag e2e and run with make e2e.
//
// The programs of hostile members use the public packages and a member's real key, as
// a stolen or bribed key would be used.
package e2e
