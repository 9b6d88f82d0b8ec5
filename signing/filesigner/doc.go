// Package filesigner holds keys that lie in files, for daemons without a vault, and in
// environment variables, for tests.
//
//	file:PATH?password-file=PATH    an encrypted key file; the password is in another file
//	file:PATH?password-env=NAME     the same; the password is in an environment variable
//	file:PATH                       the same; the password is asked for
//	env:NAME                        the key itself, 64 hex digits, in an environment variable
//
// Key files are go-ethereum's keystore version 3, so the tools of that world read them.
//
// An Ed25519 key, which pays on chains that want one, lies in a file of the same form with its
// curve named, or in the plain array of numbers that Solana's tools write; see [OpenPayer].
//
// It promises that no error, log line or text form contains a key, a password, or a part of
// one; that a key file is made readable by its owner alone and never overwritten; that a key
// or password file which others can read is refused with the command that mends it; and that
// a hostile key file costs bounded memory and time and an error, not a panic.
package filesigner
