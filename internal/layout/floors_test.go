package layout

// A floor is a row of packages, in order. A package may import what stands on lower floors and what stands before it in its
// own row. Paths are relative to the module; "x/*" is every other package below x, and those may import each other.
//
// A new package gets its line here, in the row whose duties it shares and behind everything that it imports. Packages that
// are planned and not written yet (near, keyrotation, pgstore and others) have their places already.
var floors = [][]string{
	0: {"codec", "lease", "internal/*"},
	1: {"signing", "merkle"},
	2: {"validators", "bridgecontracts", "chain"},
	3: {
		"keyrotation",
		"bridgecontracts/ethereum/internal/bindings", "bridgecontracts/ethereum/internal/testchain", "bridgecontracts/ethereum/zoo",
		"bridgecontracts/ethereum", "bridgecontracts/ethereum/*",
		"bridgecontracts/solana", "bridgecontracts/near",
		"chain/quorum", "chain/chaintest", "chain/ethereum", "chain/solana", "chain/near",
		"signing/filesigner", "signing/vaultsigner", "lease/pglease",
	},
	4: {"ledger", "ledger/exampleapp"},
	5: {"store", "store/storetest", "gossip/wire", "gossip"},
	6: {"store/pebblestore", "store/pgstore", "signing/guard", "appchain", "appchain/appchaintest", "bridgewatch"},
	7: {"processor", "listener", "approver", "submitter", "watchdog", "keyrotation/rotator", "api"},
	8: {"app", "devnet"},
	9: {"cmd/trine"},
	// The programs under e2e play hostile members; they are built and run by the tests beside them.
	10: {"e2e", "e2e/*"},
}

// A group is a set of packages none of which imports another, whatever their floor would allow.
type group struct {
	why      string
	packages []string
}

var apart = []group{
	{"roles meet on the app chain and by gossip only, so that each can be run, tested and replaced alone", floors[7]},
	{"an adapter is added or removed without a change in another", []string{"chain/ethereum", "chain/solana", "chain/near"}},
	{"a bridge's bindings follow their own contract only", []string{"bridgecontracts/ethereum", "bridgecontracts/solana", "bridgecontracts/near"}},
	{"a signer is chosen by its address, and brings no other signer's dependencies", []string{"signing/filesigner", "signing/vaultsigner"}},
	{"a store is chosen by configuration, and brings no other store's dependencies", []string{"store/pebblestore", "store/pgstore"}},
}

// inTests names what any package's _test.go files may import besides their floors.
var inTests = map[string]string{
	"appchain/appchaintest": "its scripted app chain stands on appchain, whose own tests use it too",
	"chain/chaintest":       "its scripted chain and its suite exist to be used by tests of every floor",
	"ledger/exampleapp":     "it is there to be an app wherever a test needs one",
}

// A ban keeps the files of some packages from naming one thing of a package that they may import.
type ban struct{ from, to, name, why string }

var bans = []ban{
	{"e2e", "app", "Run", "end-to-end tests start the built binary; from app they take what reads its files, not the wiring inside it"},
	{"e2e/*", "app", "Run", "a hostile member is a program of its own, built from the public packages"},
}

// An exception allows one import that the table forbids; one that is no longer needed fails the test.
type exception struct{ from, to, why string }

var exceptions = []exception{}

// pure names the packages whose results depend on their arguments alone.
var pure = []string{"codec", "merkle", "validators", "bridgecontracts", "keyrotation", "ledger"}

// pureMayUse names what a pure package may import from this module besides other pure packages.
var pureMayUse = map[string]string{
	"internal/units": "writing an amount as text is arithmetic on values, and so is reading one",
	"signing":        "checking a signature is arithmetic on values; what makes keys or holds them is called by the rim only",
}

// pureExceptions allows single imports from the list below, with the reason; one that is no longer needed fails the test.
var pureExceptions = []exception{
	{"merkle", "sync", "scratch memory for hashing is pooled; what is in a pool never shows in a result"},
	{"merkle", "sync/atomic", "nodes are shared between versions and cache their hash and children: whoever computes one first stores what all compute"},
}

// impure names standard packages that a pure package may not import; everything below them is meant too.
var impure = map[string]string{
	"context":      "nothing here waits, so nothing can be cancelled",
	"crypto/rand":  "results would depend on chance",
	"hash/maphash": "its seed is chosen by chance",
	"io/fs":        "files belong to the rim",
	"log":          "say it in the returned value; the caller logs",
	"math/rand":    "results would depend on chance",
	"net":          "the network belongs to the rim",
	"os":           "files and the environment belong to the rim",
	"runtime":      "results would depend on the machine",
	"sync":         "nothing here runs beside anything else",
	"syscall":      "the machine belongs to the rim",
	"testing":      "belongs into _test.go files",
	"time":         "time is passed in as a number; even durations are numbers in the formats",
	"unsafe":       "results would depend on the machine",
}

// otherModules names folders outside examples/ that are modules of their own.
var otherModules = map[string]string{}
