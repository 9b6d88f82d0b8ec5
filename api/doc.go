// Package api is a daemon's HTTP API on loopback, its OpenAPI document, and the typed
// client that the command line, the tests and other programs use.
//
// It promises:
//
//   - Reads answer from the daemon's own copy of the app chain, which has executed every
//     block itself; nothing is taken on another daemon's word.
//   - Amounts are decimal strings, both in smallest units and as people write them;
//     addresses are in their chain's own notation; hashes are hex with 0x.
//   - An error is an RFC 9457 problem document that names the thing and the way out. 404 says
//     that there is no such thing, 405 with Allow that the path takes other methods, 501 that
//     daemons of another role do this.
//
// Reads are open to every user of the machine, and so is handing in a transaction: its own
// signature is what it needs, and the processor takes the same bytes from gossip. What uses
// the daemon's key or changes the daemon (attach, vote, pause, caps) exists only on daemons
// that can carry it out, and takes the daemon's token as a bearer token. A page in a browser
// gets nothing: requests for the name of another host or from another origin are refused.
// The document is at /openapi.json.
package api
