// Package api is a daemon's HTTP API on loopback, its OpenAPI document, and the typed
// client that the command line, the tests and other programs use.
//
// It promises:
//
//   - Reads answer from the daemon's own copy of the app chain, which has executed every
//     block itself; nothing is taken on another daemon's word.
//   - Amounts are decimal strings, both in smallest units and as people write them;
//     addresses are in their chain's own notation; hashes are hex with 0x.
//   - An error is an RFC 9457 problem document that names the thing and the way out.
//
// There is no login: a daemon listens on loopback, and operators' commands (attach, vote,
// pause, caps) exist only on daemons that can carry them out. The document is at /openapi.json.
package api
