// Package bindings holds the Go bindings of the bridge contract, generated from its artifact; package ethereum wraps them.
package bindings
